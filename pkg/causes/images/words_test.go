package images

import (
	"strings"
	"testing"
)

// What runtimes say of images that they cannot pull; the captures hold most of them as a kubelet passed
// them on.
func TestTroubleOf(t *testing.T) {
	for message, want := range map[string]trouble{
		`rpc error: code = NotFound desc = failed to pull and unpack image "r:5000/a:v9": failed to resolve reference "r:5000/a:v9": r:5000/a:v9: not found`:                                        missing,
		`failed to resolve reference "r:5000/a:v1": pulling from host r:5000 failed with status code [manifests v1]: 401 Unauthorized`:                                                              refused,
		`failed to resolve reference "r:5000/a:v1": pulling from host r:5000 failed with status code [manifests v1]: 403 Forbidden`:                                                                 refused,
		`failed to resolve reference "ghcr.io/a/b:v1": failed to authorize: failed to fetch anonymous token: unexpected status from GET request to https://ghcr.io/token: 403 Forbidden`:            refused,
		`Error response from daemon: Get "https://r.example/v2/a/manifests/v1": no basic auth credentials`:                                                                                          refused,
		`Error response from daemon: Get "https://r.example/v2/": unauthorized: incorrect username or password`:                                                                                     refused,
		`initializing source docker://quay.io/a/b:v1: reading manifest v1 in quay.io/a/b: unauthorized: access to the requested resource is not authorized`:                                         refused,
		`Error response from daemon: pull access denied for a, repository does not exist or may require 'docker login': denied: requested access to the resource is denied`:                         hidden,
		`failed to resolve reference "docker.io/acme/web:v1": pull access denied, repository does not exist or may require authorization: server message: insufficient_scope: authorization failed`: hidden,
		`failed to do request: Head "http://r:5000/v2/a/manifests/v1": dial tcp 127.0.0.1:5000: connect: connection refused`:                                                                        outOfReach,
		`failed to resolve reference "r:5000/a:v1": pulling from host r:5000 failed with status code [manifests v1]: 503 Service Unavailable`:                                                       outOfReach,
		`RegistryUnavailable: image pull failed for r/a:v1 because the registry is unavailable`:                                                                                                     outOfReach,
		`Back-off pulling image "a:v1": RegistryUnavailable: image pull failed for a:v1 because the registry is unavailable`:                                                                        outOfReach,
		`failed to resolve reference "r.example/a:v1": failed to do request: Head "https://r.example/v2/a/manifests/v1": dial tcp: lookup r.example: no such host`:                                  outOfReach,
		`Error response from daemon: manifest for nginx:1.99 not found: manifest unknown: manifest unknown`:                                                                                         missing,
		`reading manifest v9 in docker.io/library/nginx: manifest unknown: manifest unknown`:                                                                                                        missing,
		`failed to pull and unpack image "docker.io/acme/web:v1": no match for platform in manifest: not found`:                                                                                     foreign,
		`no matching manifest for linux/arm64/v8 in the manifest list entries`:                                                                                                                      foreign,
		`choosing an image from manifest list docker://r/a:v1: no image found in image index for architecture "arm64", variant "v8", OS "linux"`:                                                    foreign,
		`toomanyrequests: You have reached your pull rate limit`:                                                                                                                                    limited,
		`failed with status code [manifests 1]: 429 Too Many Requests`:                                                                                                                              limited,
		`SignatureValidationFailed: image pull failed for r/a:v1 because the signature validation failed`:                                                                                           unverified,
		`short-name resolution enforced but cannot prompt without a TTY`:                                                                                                                            shortName,
		`failed to resolve reference "r/short-name:v1": r/short-name:v1: not found`:                                                                                                                 missing,
		`Back-off pulling image "a:v1"`: unclear,
	} {
		if got := troubleOf(message); got != want {
			t.Errorf("%s: %d, want %d", message, got, want)
		}
	}
}

// In which way a registry cannot be reached, in the words of Go's packages.
func TestObstacleOf(t *testing.T) {
	for message, want := range map[string]string{
		`dial tcp: lookup ghcr.oi on 10.0.0.10:53: no such host`:                                                             "no such host",
		`dial tcp: lookup r.example on 10.0.0.10:53: read udp 10.0.0.2:1->10.0.0.10:53: i/o timeout`:                         "gives no answer",
		`dial tcp: lookup r.example: Temporary failure in name resolution`:                                                   "gives no answer",
		`dial tcp: lookup r.example on [fd00::a]:53: server misbehaving`:                                                     "gives no answer",
		`dial tcp: lookup r.example on 10.0.0.10:53: dial udp 10.0.0.10:53: connect: connection refused`:                     "gives no answer",
		`dial tcp 10.0.0.2:5000: connect: connection refused`:                                                                "nothing listens",
		`dial tcp 10.0.0.2:5000: i/o timeout`:                                                                                "in time",
		`dial tcp 10.0.0.2:5000: connect: no route to host`:                                                                  "no route",
		`Head "https://r/v2/": net/http: TLS handshake timeout`:                                                              "in time",
		`Get "https://r/v2/": net/http: request canceled while waiting for connection (Client.Timeout exceeded)`:             "in time",
		`proxyconnect tcp: dial tcp 10.0.0.9:3128: connect: connection refused`:                                              "proxy",
		`tls: failed to verify certificate: x509: certificate signed by unknown authority`:                                   "authority",
		`x509: certificate has expired or is not yet valid: current time 2026-01-02T00:00:00Z is after 2026-01-01T00:00:00Z`: "expired",
		`x509: certificate is valid for a.example, not b.example`:                                                            "another name",
		`x509: cannot validate certificate for 10.0.0.2 because it doesn't contain any IP SANs`:                              "another name",
		`http: server gave HTTP response to HTTPS client`:                                                                    "plain HTTP",
		`Head "https://r/v2/a/manifests/1": EOF`:                                                                             "ends the connection",
		`read tcp 10.0.0.2:1->10.0.0.3:443: read: connection reset by peer`:                                                  "ends the connection",
		`pulling from host r failed with status code [manifests 1]: 503 Service Unavailable`:                                 "error of its own",
		`image pull failed for r/a:v1 because the registry is unavailable`:                                                   "cannot be reached",
	} {
		if got := obstacleOf(message).says; !strings.Contains(got, want) {
			t.Errorf("%s: %q, want %q in it", message, got, want)
		}
	}
}

// Which letter is wrong, and what can only be meant; the kubelet says the same of most of them.
func TestInvalid(t *testing.T) {
	long := strings.Repeat("a", 129)
	for image, want := range map[string][2]string{
		"r.example:5000/Shop/Web:1.3":         {`the capital "S"`, "r.example:5000/shop/web:1.3"},
		"r.example/shop/web:${TAG}":           {"${TAG} was never filled in", ""},
		"r.example/shop/web:{{ .Values.v }}":  {"{{ .Values.v }} was never", ""},
		"r.example/shop/web:$(TAG)":           {"$(TAG) was never", ""},
		"<REGISTRY>/shop/web:1":               {"<REGISTRY> was never", ""},
		"https://r.example/shop/web:1":        {"starts with https://", "r.example/shop/web:1"},
		"r.example/shop/we b:1":               {"a space at letter 18", "r.example/shop/web:1"},
		"r.example/shop/web:1:2":              {"a second colon: 1 and 2", ""},
		"r.example/shop/web:":                 {"no tag behind", ""},
		"r.example/shop/web:-v1":              {`starts with "-"`, ""},
		"r.example/shop/web:1.0+build.7":      {"a + in the tag", "r.example/shop/web:1.0_build.7"},
		"r.example/shop/web:" + long:          {"has 129 letters", ""},
		"r.example//web:1":                    {"a / with nothing", ""},
		"r.example/shop/web_:1":               {`the part "web_"`, ""},
		"r.example/shop/wéb:1":                {"the letter 'é' at 17", ""},
		"r.example/shop/web@sha256:abcd":      {"has 4 letters behind sha256:", ""},
		"r.example/shop/web@":                 {"no digest behind", ""},
		"r.example/shop/web@v1":               {"is no digest", ""},
		strings.Repeat("0123456789abcdef", 4): {"64 hexadecimal digits are the id", ""},
		"Web":                                 {`the capital "W" in "Web"`, "web"},
		"Localhost/Bad":                       {`the capital "B" in "Bad"`, "localhost/bad"},
		"localhost/Bad:V1":                    {`the capital "B" in "Bad"`, "localhost/bad:V1"},
		"shop/Web:V1":                         {`the capital "W" in "Web"`, "shop/web:V1"},
		"Shop/Web:V1":                         {`"Shop", with a capital, is read as the host`, ""},
		"R.Example:5000/shop/Web":             {`the capital "W" in "Web"`, "R.Example:5000/shop/web"},
		"r.example/shop/IMAGE:v1":             {`the part "IMAGE" is in capitals`, ""},
		"r.example/APP_NAME:TAG":              {`the part "APP_NAME" is in capitals`, ""},
	} {
		what, better := invalid(image)
		if !strings.Contains(what, want[0]) || better != want[1] {
			t.Errorf("%s: %q, %q; want %q, %q", image, what, better, want[0], want[1])
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

func TestNames(t *testing.T) {
	for _, c := range []struct {
		message, image string
		want           bool
	}{
		{`failed to resolve reference "registry.local:5000/models/llm:v9": not found`, "registry.local:5000/models/llm:v9", true},
		{`registry.local:5000/models/llm:v9: not found`, "registry.local:5000/models/llm:v9", true},
		{`Back-off pulling image "registry.local:5000/models/llm:v91"`, "registry.local:5000/models/llm:v9", false},
		{`Back-off pulling image "nginx:v9"`, "nginx", false},
		{`failed to pull "docker.io/library/nginx:latest": x`, "nginx", true},
		{`Back-off pulling image "shop/nginx"`, "nginx", false},
		{`Back-off pulling image "nginx"`, "nginx", true},
		{`anything`, "", false},
	} {
		if got := names(c.message, c.image); got != c.want {
			t.Errorf("%s names %q: %v", c.message, c.image, got)
		}
	}
}
