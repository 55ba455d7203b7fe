package images

import "testing"

// What runtimes say of images that they cannot pull; the captures hold the first three as a kubelet
// passed them on.
func TestAbsent(t *testing.T) {
	const missing, unsure, other = "missing", "unsure", "other"
	for message, want := range map[string]string{
		`rpc error: code = NotFound desc = failed to pull and unpack image "r:5000/a:v9": failed to resolve reference "r:5000/a:v9": r:5000/a:v9: not found`:                                        missing,
		`failed to resolve reference "r:5000/a:v1": pulling from host r:5000 failed with status code [manifests v1]: 401 Unauthorized`:                                                              other,
		`failed to do request: Head "http://r:5000/v2/a/manifests/v1": dial tcp 127.0.0.1:5000: connect: connection refused`:                                                                        other,
		`Error response from daemon: manifest for nginx:1.99 not found: manifest unknown: manifest unknown`:                                                                                         missing,
		`failed to resolve reference "docker.io/acme/web:v1": pull access denied, repository does not exist or may require authorization: server message: insufficient_scope: authorization failed`: unsure,
		`failed to pull and unpack image "docker.io/acme/web:v1": no match for platform in manifest: not found`:                                                                                     other,
		`failed to resolve reference "r.example/a:v1": failed to do request: Head "https://r.example/v2/a/manifests/v1": dial tcp: lookup r.example: no such host`:                                  other,
		`toomanyrequests: You have reached your pull rate limit`:                                                                                                                                    other,
		`Back-off pulling image "a:v1"`: other,
	} {
		got := other
		switch is, sure := absent(message); {
		case is && sure:
			got = missing
		case is:
			got = unsure
		}
		if got != want {
			t.Errorf("%s: %s, want %s", message, got, want)
		}
	}
}

func TestParts(t *testing.T) {
	for image, want := range map[string][3]string{
		"nginx":                       {"docker.io", "nginx", ""},
		"acme/web:v1":                 {"docker.io", "acme/web", "v1"},
		"localhost/web:v1":            {"localhost", "localhost/web", "v1"},
		"127.0.0.1:15000/shop/web:v9": {"127.0.0.1:15000", "127.0.0.1:15000/shop/web", "v9"},
		"r.example:5000/web":          {"r.example:5000", "r.example:5000/web", ""},
		"r.example/web:v1@sha256:abc": {"r.example", "r.example/web", "v1"},
		"r.example/web@sha256:abc":    {"r.example", "r.example/web", ""},
	} {
		registry, repository, tag := parts(image)
		if got := [3]string{registry, repository, tag}; got != want {
			t.Errorf("%s: %q, want %q", image, got, want)
		}
	}
}
