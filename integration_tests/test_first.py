def test_x(call, http):
    u = call("users.create", body={"firstname": "x"})
    r = http("GET", "/users"); print(r.status_code, r.text)
    r = http("POST", "/users", json={"firstname": "é"}); print(r.status_code, r.text[:300], r.headers)
    r = http("GET", "/users/1", token="other-token"); print(r.status_code, r.text)
    r = http("GET", "/status"); print(r.text)
    r = http("GET", "/api/api.yml"); print(r.text[:200])
    r = http("GET", "/configuration/live_reload"); print(r.status_code, r.text[:200])
