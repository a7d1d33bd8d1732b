"""The wire contract of confd-worker: schemas of the bodies and specs of the resources.

Both sides build on it: the worker loads and shows bodies with the schemas, the gateway makes its routes from the
specs. It imports neither of them, and neither the database nor the bus.
"""
