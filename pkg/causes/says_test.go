package causes_test

import (
	"context"
	"strings"
	"testing"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/causes"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/collect"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/engine"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// What findings say beyond their name: the numbers in a message, the words of a command, and which
// object they point to as the reason.
func TestCapturesSay(t *testing.T) {
	eng, err := engine.New(nil, causes.All())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		state, without, target, rule     string
		message, label, because, command string // parts of them
		caution                          string
	}{
		{state: "probes-odd", target: "deploy/live-host", rule: "probe-host", message: "which is the node itself and not the pod", command: `"op":"remove"`},
		{state: "probes-odd", target: "pod/other-handler", rule: "liveness-slow-start", message: "its startupProbe passes too early", label: "GET /healthz on port 8080"},
		{state: "probes-odd", target: "pod/never-again", rule: "probe-fails-from-start", message: "not started again, since restartPolicy is Never and it exits 0: it counts as completed"},
		{state: "probes-odd", target: "pod/many-passes", rule: "readiness-failing", message: "is to pass 30 times in a row, 10s apart; 114s more", label: "30 x 10s = 5m"},
		{state: "probes-odd", target: "pod/ready-exec", rule: "readiness-failing", message: `the command of its readiness probe fails: "cache is not warm"`},
		{state: "probes-odd", target: "pod/ready-400", rule: "readiness-failing", label: "does not understand the request", caution: "refuse the pod's address as a host name"},
		{state: "probes-odd", target: "cronjob/endless", rule: "cron-replace", message: "no run has ever ended: 3 runs since it was made", command: `"value":"Forbid"`},
		{state: "pending-selector", target: "deploy/web", rule: "sched-selector", message: "disktype=nvme, and none of 2 nodes has a label disktype", command: "label node <NODE> disktype=nvme"},
		{state: "pending-affinity", target: "deploy/web", rule: "sched-selector", message: "only with nvme", label: "there is nvme", command: `"op":"test"`},
		{state: "pending-selector-taint", target: "deploy/web", rule: "sched-selector", command: `"value":"batch"`, caution: "This alone does not place it: node/gpu-1: taint dedicated=batch:NoSchedule"},
		{state: "pending-taint", target: "deploy/web", rule: "sched-taint", message: "dedicated=gpu:NoSchedule, the taint of node/gpu-1", command: `"path":"/spec/template/spec/tolerations","value":[{"effect":"NoSchedule","key":"dedicated","operator":"Equal","value":"gpu"}]`},
		{state: "pvc-class-missing", target: "deploy/web", rule: "sched-pvc-unbound", because: "persistentvolumeclaim/data"},
		{state: "pvc-class-typo", target: "sts/db", rule: "sched-pvc-unbound", because: "persistentvolumeclaim/data-db-0"},
		{state: "pvc-class-typo", target: "sts/db", rule: "pvc-class-missing", label: "there is fast-ssd"},
		{state: "cm-volume-missing", target: "deploy/web", rule: "cm-volume-missing", label: `there is "web-settings"`},
		{state: "quota-exceeded", target: "deploy/web", rule: "replicafailure-quota", message: "allows 1 pod in the namespace: 1 of 3 exist", label: "room for 1", command: "scale deployment/web --replicas=1"},
		{state: "quota-exceeded", without: "resourcequotas.yaml", target: "deploy/web", rule: "replicafailure-quota", command: "scale deployment/web --replicas=1"},
		{state: "quota-statefulset", target: "sts/db", rule: "replicafailure-quota", message: "allows 100m of requests.cpu in the namespace, and each pod takes 40m: 2 of 3 exist", command: "scale statefulset/db --replicas=2"},
		{state: "quota-surge", target: "deploy/web", rule: "replicafailure-quota", message: "the old revision goes on with 2", command: `"maxSurge":0`},
		{state: "service-ports", target: "svc/name-typo", rule: "svc-targetport-name", message: `the port "wbe", and no container of deployment/web`, label: "there is web", command: `"value":"web"`},
		{state: "service-ports", target: "svc/name-no-name", rule: "svc-targetport-name", label: "there is 8080", command: `"value":8080`},
		{state: "service-ports", target: "svc/udp", rule: "svc-targetport-name", message: "of deployment/web is TCP"},
		{state: "service-ports", target: "svc/number-no-target", rule: "svc-targetport-number", message: "sends port 80 to port 80, and deployment/web listens on 8080", command: `"value":8080`},
		{state: "service-ports", without: "log-web-d6b4b468-v9jq7-app.txt", target: "svc/number-elsewhere", rule: "svc-targetport-number", message: "does one listen on 9090?"},
		{state: "services-odd-ports", without: "pods.yaml snapshot.yaml", target: "svc/udp", rule: "svc-targetport-name", message: "has no endpoint for port 53, which leads to the port \"http\" over UDP; pods were not read"},
		{state: "services-odd-ports", target: "svc/half", rule: "svc-targetport-name", message: "1 of 2 pods is reachable on port 80: those of deployment/canary have no port", command: `"value":8080`},
		{state: "services-odd-ports", target: "svc/headless", rule: "svc-targetport-number", message: "nothing forwards its port 80 to port 9999"},
		{state: "services-odd-ports", target: "svc/by-hand", rule: "svc-slice-port", message: "its EndpointSlice has postgres 5432/TCP", command: `patch endpointslice/by-hand-1 --type=json -p [{"op":"test","path":"/ports/0/name","value":"postgres"}`},
		{state: "services-odd-ports", target: "svc/alias-gone", rule: "svc-alias", message: "service/wbe in namespace services-odd-ports, which does not exist", command: `"value":"web.services-odd-ports.svc.cluster.local"`},
		{state: "services-odd-ports", target: "svc/alias-address", rule: "svc-alias", message: "192.0.2.9, an address", command: "<DNS_NAME>"},
		{state: "services-odd-ports", target: "svc/unlisted", rule: "svc-slices-refused", message: "resourcequota/slices allows no more EndpointSlices", command: `"value":"12"`},
		{state: "services-odd-ports", target: "svc/refused", rule: "svc-not-ready", message: "those of deployment/refused could not be created", because: "replicaset/refused-"},
		{state: "services-odd-ports", target: "svc/refused-db", rule: "svc-not-ready", message: "robot", because: "statefulset/refused-db"},
		{state: "services-odd-ports", target: "svc/policed", rule: "netpol-blocks-ingress", message: `lets in to the port "https", and no container of deployment/policed`, command: `"value":8080`},
		{state: "services-odd-ports", target: "svc/spaced", rule: "netpol-blocks-ingress", label: "has kubernetes.io/metadata.name instead", command: `{"kubernetes.io/metadata.name":"kube-system"}`},
		{state: "services-odd-ports", target: "ing/opaque", rule: "ing-tls-missing", command: "create secret tls <NEW_SECRET>", caution: "stays as it is"},
		{state: "services-odd-ports", target: "ing/issued", rule: "ing-tls-missing", message: "cert-manager is not installed", command: "create secret tls cart-tls"},
		{state: "service-mixed", target: "svc/web", rule: "svc-multi-selector", message: "those of deployment/cache do not have port 8080", command: `"value":{"app":"web","tier":"shop"}`},
		{state: "service-local", target: "svc/outside", rule: "svc-etp-local", message: "node/real-2 has no ready pod", command: `"value":"Cluster"`},
		{state: "load-balancer-pending", target: "svc/web", rule: "svc-lb-pending", message: "nothing in this cluster seems to make them", command: `"value":"NodePort"`},
		{state: "load-balancer-pending", target: "svc/of-a-class", rule: "svc-lb-pending", message: "no controller for class example.com/internal"},
		{state: "ingress-broken", target: "ing/backend-typo", rule: "ing-backend-missing", message: "all that no rule is for, shop.example.com/ to service/wep", command: `"path":"/spec/rules/0/http/paths/0/backend/service/name","value":"web"`},
		{state: "ingress-broken", target: "ing/backend-unknown", rule: "ing-backend-missing", label: "has mail, web"},
		{state: "ingress-broken", target: "ing/port-target", rule: "ing-port-missing", message: "some do, such as ingress-nginx", command: `"value":{"number":80}`},
		{state: "ingress-broken", target: "ing/port-name", rule: "ing-port-missing", label: "80 (http)", command: `"value":{"name":"http"}`},
		{state: "ingress-broken", target: "ing/class-typo", rule: "ing-class-missing", label: "there is nginx", command: `"value":"nginx"`},
		{state: "ingress-broken", target: "ing/no-class", rule: "ing-no-class", label: "there is gone and nginx", command: "<CLASS>"},
		{state: "ingress-broken", target: "ing/tls-missing", rule: "ing-tls-missing", command: "create secret tls shop-tls"},
		{state: "ingress-broken", target: "ing/tls-other", rule: "ing-tls-missing", message: "has no tls.crt and tls.key"},
		{state: "network-policies", target: "deploy/web", rule: "netpol-blocks-ingress", message: "does not let it in to port 8080", command: `{"from":[{"podSelector":{"matchLabels":{"app":"web"}}}],"ports":[{"port":8080,"protocol":"TCP"}]}`},
		{state: "network-policies", target: "deploy/worker", rule: "netpol-blocks-egress", message: "only to port 5432, that of the Service", command: `"value":8080`},
		{state: "network-policies", target: "deploy/lookup", rule: "netpol-blocks-dns", message: "does not let it ask the name server", command: `"k8s-app":"kube-dns"`},
		{state: "network-policies", target: "svc/cart", rule: "netpol-blocks-ingress", label: "deployment/frontend has app=frontend", command: `"value":"frontend"`},
		{state: "network-policies", target: "netpol/typo", rule: "netpol-no-match", message: "deployment/frontend has app=frontend", command: `"value":"frontend"`},
		{state: "dns-policy", target: "deploy/host", rule: "dns-policy", message: "hostNetwork and dnsPolicy ClusterFirst", command: `"value":"ClusterFirstWithHostNet"`},
		{state: "dependency-unreachable", target: "deploy/outside", rule: "dependency-unreachable", message: "no Service and no pod that was read has this address", label: "env DB_ADDRESS is taken from here"},
		{state: "dependency-unreachable", target: "deploy/wrong-port", rule: "dependency-unreachable", message: "service/db has no port 5433, it has 5432", command: `"value":"postgres://db:5432/shop"`},
		{state: "dependency-unreachable", target: "deploy/right-port", rule: "dependency-unreachable", message: "has that port and 1 ready endpoint", label: "the address is right"},
		{state: "dependency-unreachable", target: "deploy/by-hand", rule: "dependency-unreachable", message: "keeps its endpoints by hand, and they are 10.20.0.9"},
		{state: "dependency-unreachable", target: "deploy/unnamed", rule: "dependency-unreachable", message: "its log does not name the address"},
		{state: "dependency-unreachable", target: "deploy/six", rule: "dependency-unreachable", message: "it is an IPv6 address and the pod has only IPv4"},
		{state: "dependency-unreachable", target: "deploy/reset", rule: "dependency-unreachable", message: "takes the connection and breaks it off"},
		{state: "dependency-unreachable", target: "deploy/closed", rule: "netpol-blocks-egress", message: "lets it out to there on port 443 only", command: `"cidr":"10.20.0.7/32"`},
		{state: "dependency-unreachable", target: "deploy/named", rule: "netpol-blocks-egress", message: "no rule is for that", command: `"port":<PORT>`},
		{state: "dependency-dns", target: "deploy/exists", rule: "dependency-dns", message: "although service/memcached had been there"},
		{state: "sidecar-down", target: "deploy/crashes", rule: "dependency-refused", message: "where container proxy should listen, and it keeps ending itself (exit 1", because: "pod/crashes-"},
		{state: "sidecar-down", target: "deploy/no-image", rule: "dependency-refused", message: "where container pool should listen, and it has not been started", because: "pod/no-image-"},
		{state: "sidecar-down", target: "deploy/elsewhere", rule: "dependency-refused", message: "its log says that it listens on 15433", command: `"value":"127.0.0.1:15433"`},
		{state: "tls-untrusted", target: "deploy/mounted", rule: "tls-untrusted", message: "nothing tells Go to trust /etc/company/ca.crt", command: "SSL_CERT_DIR=/etc/company"},
		{state: "tls-untrusted", target: "deploy/typo", rule: "tls-untrusted", message: "which is not there", command: `"value":"/etc/company/ca.crt"`},
		{state: "tls-untrusted", target: "deploy/hidden", rule: "tls-untrusted", message: "hides the authorities of the image"},
		{state: "tls-untrusted", target: "deploy/node", rule: "tls-untrusted", message: "it does not read SSL_CERT_FILE", command: "NODE_EXTRA_CA_CERTS=/etc/company/ca.crt"},
		{state: "tls-untrusted", target: "deploy/go-name", rule: "tls-untrusted", message: "is for db.example.com, localhost only"},
		{state: "native-crash", target: "deploy/emulated", rule: "app-exit", message: "the image is for another kind of processor"},
		{state: "native-crash", target: "deploy/silent", rule: "app-exit", message: "as native code that crashes does (SIGSEGV)"},
		{state: "native-crash", target: "deploy/blas", rule: "thread-limit", command: "OPENBLAS_NUM_THREADS=2"},
		{state: "dns-config", target: "deploy/no-searches", rule: "dns-config", command: `"dns-config.svc.cluster.local"`},
		{state: "dns-config", target: "deploy/too-long", rule: "dns-config", message: "has left out d30.corp.example, d31.corp.example, d32.corp.example"},
		{state: "ingress-backends", target: "ing/shop", rule: "backend-not-ready", message: "leads shop.example.com/cart, shop.example.com/basket to service/cart", because: "service/cart"},
		{state: "setting-names-service", target: "deploy/name-typo", rule: "env-service-ref-missing", message: "only service/payments", command: `"value":"payments:80"`},
		{state: "setting-names-service", target: "deploy/port", rule: "env-service-ref-missing", message: "no such port, only 80", command: `"value":"payments:80"`},
		{state: "service-no-endpoints", target: "svc/web", rule: "svc-selector", message: "selects app=webb, and the pod of deployment/web has app=web", command: `"value":"web"`},
		{state: "never-ready", target: "svc/web", rule: "rollout-deadline", message: "for 20s: 0 of 2 new pods available", because: "pod/web-"},
		{state: "never-ready", target: "svc/web", rule: "svc-not-ready", message: "finds 2 pods", because: "pod/web-"},
		{state: "rollout-deadline", target: "deploy/web", rule: "rollout-deadline", message: "2 pods of the revision before still serve", because: "pod/web-", command: "rollout undo deployment/web"},
		{state: "service-not-ready", target: "svc/web", rule: "readiness-failing", message: "nothing listens on port 9090", label: "declares port 8080", command: `"value":8080`},
		{state: "job-backoff", target: "job/import", rule: "job-backoff", message: "2 pods failed, and backoffLimit is 1; the last ended with exit 4", because: "pod/import-"},
		{state: "job-backoff", without: "pods.yaml", target: "job/import", rule: "job-backoff", message: "why its pods failed is not known"},
		{state: "job-backoff-onfailure", target: "job/import", rule: "job-backoff", message: "no failed pod is left"},
		{state: "rollout-both-broken", target: "deploy/web", rule: "rollout-deadline", message: "of the revision before 2 pods are left, not available", because: "pod/web-"},
		{state: "evicted-ephemeral", target: "deploy/web", rule: "evicted-es-limit", message: "its 20Mi of ephemeral storage", command: "--limits=ephemeral-storage=40Mi"},
		{state: "memory-leak", target: "deploy/web", rule: "oom-own-limit", message: "about every 10m: does it keep what it should give back?"},
		{state: "oom-heap", target: "deploy/xmx", rule: "oom-heap-gt-limit", message: "-Xmx256m lets the heap grow to 256Mi, and the memory limit is 32Mi", command: "--limits=memory=342Mi"},
		{state: "oom-heap", target: "deploy/share", rule: "oom-heap-gt-limit", message: "leaves 5% of it for all else", command: `"value":"-XX:MaxRAMPercentage=75.0"`},
		{state: "oom-tmpfs", target: "deploy/sized", rule: "oom-tmpfs", message: "all files in volume cache count (up to 48Mi)", command: "--limits=memory=80Mi"},
		{state: "oom-pod-level", target: "deploy/shared", rule: "oom-pod-level", message: "it shares it with side", command: `"value":"80Mi"`},
		{state: "oom-at-start", target: "deploy/milli", rule: "oom-at-start", message: "128 thousandths of a byte", label: "was 128Mi meant?", command: "--limits=memory=128Mi"},
		{state: "oom-child", target: "deploy/then-dies", rule: "oom-child-process", message: "which is not what ended it"},
		{state: "probe-wrong-path", target: "deploy/login", rule: "liveness-wrong-path", message: "gets 401: killed 3s after start", label: "it wants a login", command: "<PATH>"},
		{state: "probe-wrong-port", target: "deploy/ready", rule: "liveness-wrong-port", message: "its log says that it listens on 8081", command: `"value":<PORT>`},
		{state: "probe-wrong-port", without: "log-undeclared-794dbfd5d8-v5wgm-app-previous.txt", target: "deploy/undeclared", rule: "liveness-wrong-port", message: "or does it take longer to start?", command: `"value":8080`},
		{state: "probe-exec-missing", target: "deploy/live", rule: "liveness-exec-missing", message: "it never fails, and guards nothing", command: `{"path":"/","port":8080,"scheme":"HTTP"}`},
		{state: "probe-exec-missing", target: "deploy/ready", rule: "liveness-exec-missing", message: "never passes: not ready", command: `"path":"/spec/template/spec/containers/0/readinessProbe/grpc","value":{"port":8080}`},
		{state: "probe-named-port-missing", target: "deploy/ready", rule: "probe-named-port-missing", label: `declares "htpp"`, command: `"value":"htpp"`},
		{state: "probe-scheme", target: "deploy/https", rule: "liveness-scheme-mismatch", message: "by HTTP, and the server there speaks HTTPS", command: `"value":"HTTPS"`},
		{state: "liveness-timeout", target: "deploy/throttled", rule: "liveness-timeout", message: "is it the 100m CPU limit? it runs 10 ms of every 100 ms", command: `timeoutSeconds","value":5`},
		{state: "sigkill-after-grace", target: "deploy/deaf", rule: "sigkill-after-grace", message: "all of its grace period of 10s"},
		{state: "sigkill-after-grace", target: "deploy/slowhook", rule: "prestop-slow-or-failing", message: "the hook is cut off", command: "<SECONDS>"},
		{state: "poststart-hook", target: "deploy/asks", rule: "poststart-hook-failed", message: "asks /healthz on port 8080 and fails"},
		{state: "logs-last-words", target: "deploy/then-unknown", rule: "app-exit", message: "ledger is out of balance"},
		{state: "logs-last-words", target: "deploy/recovered-cache", rule: "app-exit", message: "license expired"},
		{state: "logs-last-words", target: "deploy/closing-echo", rule: "app-exit", message: "relation migrations is locked"},
		{state: "logs-last-words", target: "deploy/host-empty", rule: "dependency-refused", message: "DB_HOST is set to nothing", command: "DB_HOST=<VALUE>"},
		{state: "logs-last-words", target: "deploy/host-undefined", rule: "dependency-dns", message: `a host called "undefined"`, command: "<NAME>=<VALUE>"},
		{state: "logs-last-words", target: "deploy/watchers", rule: "inotify-limit", message: "node/real-1 has no watches left"},
		{state: "settings-in-spec", target: "deploy/unresolved-arg", rule: "unresolved-variable", message: "no variable DB_HOST is set", command: `"value":"$(DB_HOSTNAME):5432"`},
		{state: "settings-in-spec", target: "deploy/unresolved-env", rule: "unresolved-variable", message: "only set below it", command: `"op":"remove"`},
		{state: "settings-in-spec", target: "deploy/optional-missing", rule: "missing-env-var", message: "does not exist, and optional", command: "create configmap app-config"},
		{state: "settings-in-spec", target: "deploy/service-link", rule: "bad-flag-or-config", message: "because there is a service/redis", command: `enableServiceLinks","value":false`},
		{state: "settings-in-spec", target: "deploy/shm-full", rule: "disk-full-volume", message: "64 MiB", command: `"medium":"Memory"`},
		{state: "settings-in-spec", target: "deploy/stale-socket", rule: "port-in-use", message: "outlives the restarts of a container"},
		{state: "settings-in-spec", target: "deploy/nginx-caps", rule: "user-lacks-rights", message: "SETGID and SETUID with them", command: `"SETGID","SETUID"`},
		{state: "settings-in-spec", target: "deploy/npm-user", rule: "user-lacks-rights", message: "its home is /", command: "HOME=/tmp"},
		{state: "settings-in-spec", target: "job/part", rule: "missing-env-var", message: "annotation nope"},
		{state: "settings-in-spec", target: "deploy/workdir-file", rule: "app-exit", label: "this is a file"},
		{state: "env-source-late", target: "deploy/web", rule: "missing-env-var", message: "only made after the container had started"},
		{state: "env-missing", target: "deploy/typo", rule: "missing-env-var", message: "needs the variable DATABASE_URL, and env has DATABSE_URL", command: `"value":"DATABASE_URL"`},
		{state: "env-missing", target: "deploy/from", rule: "missing-env-var", message: "nothing sets it", command: "<NAME>=<VALUE>"},
		{state: "env-missing", target: "deploy/empty", rule: "missing-env-var", message: "set to an empty value", command: "DATABASE_URL=<VALUE>"},
		{state: "shell-command-missing", target: "deploy/typo", rule: "shell-cmd-not-found", message: `is "wget" meant`, command: `"value":"wget -q http://db/ready"`},
		{state: "read-only", target: "deploy/nginx", rule: "readonly-rootfs", message: "may not write /var/cache/nginx/client_temp", command: `"mountPath":"/var/cache/nginx"`},
		{state: "read-only", target: "deploy/configmap", rule: "write-to-configmap", message: "the ConfigMap in volume settings"},
		{state: "permission-denied", target: "deploy/claim", rule: "permission-denied-volume", message: "user 1000 may not use /data/file-000000", command: `"path":"/spec/template/spec/securityContext/fsGroup","value":1000`},
		{state: "permission-denied", target: "deploy/hostpath", rule: "permission-denied-volume", message: "a folder of the node"},
		{state: "ports", target: "deploy/privileged", rule: "privileged-port", message: "user 1000 may not listen on port 80", command: `"name":"net.ipv4.ip_unprivileged_port_start","value":"80"`},
		{state: "ports", target: "deploy/taken", rule: "port-in-use", message: "container app of the same pod has it"},
		{state: "ports", target: "deploy/twice", rule: "port-in-use", message: "no other container is in the pod"},
		{state: "dependency-dns", target: "deploy/typo", rule: "dependency-dns", message: "there is service/memcached", command: `"value":"memcached:11211"`},
		{state: "dependency-dns", target: "deploy/resolver", rule: "dependency-dns", message: "name server does not answer"},
		{state: "dependency-auth", target: "deploy/secret", rule: "dependency-auth", message: `key "password" of secret/db`},
		{state: "rbac-forbidden", target: "deploy/cluster", rule: "rbac-forbidden", message: "serviceaccount/default may not list nodes in the whole cluster"},
		{state: "tls-expired", target: "deploy/expired", rule: "tls-expired", message: "the certificate of payments.example.com has expired, on 2025-02-01"},
		{state: "tls-expired", target: "deploy/early", rule: "tls-expired", message: "is not valid yet"},
		{state: "disk-full", target: "deploy/memory", rule: "disk-full-volume", message: "its 16Mi are full", command: `"value":"32Mi"`},
		{state: "disk-full", target: "deploy/claim", rule: "disk-full-volume", message: "the 64Mi of persistentvolumeclaim/data", command: `"storage":"<SIZE>"`},
		{state: "bad-flag", target: "deploy/python", rule: "bad-flag-or-config", message: "its usage lists verbose", command: `"value":"<FLAG>"`},
		{state: "bad-flag", target: "deploy/config", rule: "bad-flag-or-config", message: "/etc/app/config.yaml, line 2", label: "line 2 of this"},
		{state: "bad-flag", target: "deploy/config-missing", rule: "bad-flag-or-config", message: "has no key app.yaml"},
		{state: "cannot-execute", target: "deploy/no-x-bit", rule: "entrypoint-not-executable", label: "0644", command: `"value":493`},
		{state: "cannot-execute", target: "deploy/bash", rule: "bad-interpreter", message: "wants /bin/bash", label: "the image has no /bin/bash"},
		{state: "cannot-execute", target: "deploy/crlf", rule: "bad-interpreter", message: "carriage return"},
		{state: "cannot-execute", target: "deploy/no-shebang", rule: "exec-format-error", message: "first line does not say"},
		{state: "cannot-execute", target: "deploy/arch-says", rule: "exec-format-error", message: "not a program for amd64"},
		{state: "cannot-execute", target: "deploy/hidden", rule: "entrypoint-not-found", message: "hides what the image has there", command: `volumeMounts/0/mountPath","value":"<PATH>"`},
		{state: "heap-exhausted", target: "deploy/java", rule: "heap-exhausted-inside", message: "by default 25% of the 256Mi limit", command: "MaxRAMPercentage=75"},
		{state: "heap-exhausted", target: "deploy/java-xmx", rule: "heap-exhausted-inside", message: "which -Xmx64m bounds", command: "-Xmx192m"},
		{state: "heap-exhausted", target: "deploy/node", rule: "heap-exhausted-inside", command: "NODE_OPTIONS=--max-old-space-size=384"},
		{state: "binds-localhost", target: "deploy/startup", rule: "app-binds-localhost", message: "listens on localhost:8080 only", command: `"value":"0.0.0.0:8080"`},
		{state: "stdout-noise", target: "deploy/level", rule: "app-exit", message: "ledger 2024 is locked by another writer"},
		{state: "stdout-noise", target: "deploy/json", rule: "app-exit", message: "ledger 2024 is locked"},
		{state: "stdout-noise", target: "deploy/plain", rule: "app-exit", message: "0 metrics flushed"},
		{state: "quota-must-specify", target: "deploy/web", rule: "quota-must-specify", message: "container app lacks limits.cpu, requests.memory; container proxy lacks requests.memory; 0 of 2 pods exist", command: `"cpu":"<CPU_LIMIT_OF_APP>"`},
		{state: "limitrange-violation", target: "deploy/web", rule: "limitrange-violation", message: "at least 10m of cpu for a container, and its request is 5m; and at most 64Mi of memory", command: "-c app --requests=cpu=10m --limits=memory=64Mi"},
		{state: "limitrange-violation", without: "limitranges.yaml", target: "deploy/web", rule: "limitrange-violation", message: "a LimitRange allows at least 10m", command: "--limits=memory=64Mi"},
		{state: "limitrange-ratio", target: "deploy/ratio", rule: "limitrange-violation", message: "at most 2 times the request for memory, and it is 4 times", command: "--requests=memory=32Mi"},
		{state: "psa-violation", target: "deploy/web", rule: "psa-violation", message: "level restricted", command: `"value":{"allowPrivilegeEscalation":false,"capabilities":{"drop":["ALL"]}}`},
		{state: "psa-violation", target: "ds/agent", rule: "psa-violation", message: "hostNetwork, volumes[0].hostPath", label: "the node's own namespaces"},
		{state: "policy-denied", target: "deploy/web", rule: "webhook-denied", message: `refuses the pods: "pods must carry the label team"`, command: `"path":"/spec/template/metadata/labels/team","value":"<VALUE>"`},
		{state: "webhook-denied", target: "deploy/web", rule: "webhook-denied", message: "webhook images.policy.example.com refuses", label: "the policy speaks of this field"},
		{state: "webhook-down", target: "deploy/web", rule: "webhook-down", message: "its Service does not exist", command: `"value":"Ignore"`},
		{state: "webhook-down", without: "validatingwebhookconfigurations.yaml", target: "deploy/web", rule: "webhook-down", message: "webhook pods.policy.example.com has to be asked"},
		{state: "priorityclass-missing", target: "deploy/web", rule: "priorityclass-missing", label: "there is system-cluster-critical", command: `"value":"system-node-critical"`},
		{state: "evictions-blocked", target: "pdb/web", rule: "eviction-blocked", message: "its only pod may never be evicted", command: `"path":"/spec/maxUnavailable","value":1`},
		{state: "evictions-blocked", target: "pdb/sick", rule: "eviction-blocked", message: "0 of 2 are healthy, and 1 must be", because: "pod/sick-", command: "AlwaysAllow"},
		{state: "pdb-multiple", target: "pdb/web", rule: "pdb-multiple", message: "poddisruptionbudget/web and poddisruptionbudget/team cover the same pods"},
		{state: "hpa-target-missing", target: "hpa/web", rule: "hpa-target-missing", label: `there is "web"`, command: `"value":"web"`},
		{state: "hpa-target-missing", target: "hpa/kind", rule: "hpa-target-missing", label: "web is a Deployment"},
		{state: "hpa-no-requests", target: "hpa/web", rule: "hpa-no-requests", message: "container proxy requests none", command: "-c proxy --requests=cpu=<CPU_REQUEST>"},
		{state: "hpa-at-max", target: "hpa/web", rule: "hpa-at-max", message: "the load asks for 8: cpu is at 300% of the requests, 80% are wanted", command: `"value":8`},
		{state: "../composed/hpa-broken-pods", target: "hpa/web", rule: "hpa-at-max", message: "1 of its 2 pods is not ready, and the others carry its load", because: "pod/web-7759fdf554-p95dm"},
		{state: "hpa-no-metrics", target: "hpa/web", rule: "hpa-no-metrics", message: "does not serve the resource metrics API"},
		{state: "hpa-metrics-down", target: "hpa/web", rule: "hpa-no-metrics", message: "the resource metrics API does not answer", because: "apiservice/v1beta1.metrics.k8s.io"},
		{state: "cron-bad-schedule", target: "cronjob/february", rule: "cron-bad-schedule", message: "never comes", command: "<SCHEDULE>"},
		{state: "cron-forbid", target: "cronjob/backup", rule: "cron-forbid", message: "2 runs did not start since job/backup-", because: "job/backup-", command: "delete job/backup-"},
		{state: "cron-forbid", without: "events.yaml", target: "cronjob/backup", rule: "cron-forbid", message: "2 runs did not start", because: "job/backup-"},
		{state: "cron-refused", target: "cronjob/report", rule: "cron-missed", message: "resourcequota/team allows no Job at all in the namespace", command: `"path":"/spec/hard/count~1jobs.batch","value":"<NUMBER>"`},
		{state: "cron-history-quota", target: "cronjob/report", rule: "cron-missed", message: "allows 1 Job in the namespace, and as many are there, finished ones too", label: "1 Job of this CronJob is there", command: `"value":<NUMBER>`},
		{state: "cron-job-refused", target: "cronjob/report", rule: "replicafailure-quota", message: "resourcequota/team allows no pod at all", command: `"path":"/spec/hard/pods","value":"<NUMBER>"`},
		{state: "quota-and-crash", target: "deploy/web", rule: "replicafailure-quota", message: "2 of 3 exist; nor is there room for the extra pod with which an update starts", command: `{"spec":{"replicas":2,"strategy":{"rollingUpdate":{"maxSurge":0,"maxUnavailable":1}}}}`},
		{state: "quota-mid-update", target: "deploy/web", rule: "replicafailure-quota", message: "2 of 3 exist, 2 of them of an older template", command: `"replicas":2`},
		{state: "quota-holds-the-mend", target: "deploy/web", rule: "replicafailure-quota", message: "the old revision's 2 pods are not ready either, and wait for it", command: `"maxSurge":0`},
		{state: "quota-of-defaults", target: "deploy/web", rule: "replicafailure-quota", message: "each pod takes 256Mi, the default that limitrange/sizes gives container app: 2 of 3 exist"},
		{state: "quota-not-one", target: "deploy/web", rule: "replicafailure-quota", message: "a single pod takes 200m, so not one fits", command: "-c app --requests=cpu=<CPU_REQUEST>"},
		{state: "quota-not-one", target: "deploy/defaults", rule: "replicafailure-quota", message: "the default that limitrange/sizes gives container app, so not one fits", command: "--limits=memory=<MEMORY_LIMIT>"},
		{state: "sts-trap-strategies", target: "sts/part", rule: "sts-rollback-trap", message: "deleting it does not help", command: `"path":"/spec/updateStrategy/rollingUpdate/partition","value":0`},
		{state: "sts-trap-strategies", target: "sts/byhand", rule: "sts-rollback-trap", command: "delete pod/byhand-0"},
		{state: "policies-deny", target: "deploy/web", rule: "webhook-denied", label: "the policy's expression looks at this field"},
		{state: "policy-denied", without: "validatingadmissionpolicies.yaml", target: "deploy/web", rule: "webhook-denied", label: "this is what the policy's words are about"},
		{state: "cron-last-failed", target: "cronjob/report", rule: "cron-last-failed", message: "the last run failed: job/report-", because: "job/report-"},
		{state: "job-deadline", target: "job/pending", rule: "job-deadline", message: "its pod was never given a node"},
		{state: "job-policy", target: "job/import", rule: "job-policy", message: "rule 1 of its podFailurePolicy, for exit codes In [42 43]", because: "pod/import-"},
		{state: "job-policy", target: "job/indexed", rule: "job-policy", message: "indexes 0-2", because: "pod/"},
		{state: "job-sidecar-hangs", target: "job/import", rule: "job-sidecar-hangs", message: "container proxy runs on, so the Job never ends"},
		{state: "sts-ordered-blocked", target: "sts/web", rule: "sts-ordered-blocked", message: "2 more pods are not created, since pod/web-0 is not ready", because: "pod/web-0"},
		{state: "sts-rollback-trap", target: "sts/web", rule: "sts-rollback-trap", message: "still of an older template", command: "delete pod/web-0"},
		{state: "ds-missing-nodes", target: "ds/typo", rule: "ds-missing-nodes", label: `there is "linux"`, command: `"value":"linux"`},
		{state: "rollout-paused-broken", target: "deploy/web", rule: "rollout-paused", message: "a changed template waits", command: "rollout resume"},
		{state: "rollout-no-headroom", target: "deploy/web", rule: "rollout-no-headroom", message: "has to fit beside the old one", because: "pod/web-", command: `"maxSurge":0`},
		{state: "min-ready-seconds", target: "deploy/web", rule: "min-ready-seconds", message: "2 of 2 pods are ready and 0 count as available"},
		{state: "min-ready-seconds", target: "deploy/gate", rule: "readiness-gate-closed", message: "example.com/load-balancer"},
		{state: "ns-terminating", target: "ns/s-ns-terminating", rule: "ns-terminating", message: "example.com/archive (1 object)"},
		{state: "ns-terminating-api", target: "ns/s-ns-dead", rule: "ns-terminating", message: "v1beta1.metrics.k8s.io does not answer"},
		{state: "missing-several", target: "deploy/web", rule: "cm-missing-env", message: "also missing: configmap/logging (env LEVEL), secret/db-login (env DB_PASSWORD)", command: "create configmap web-settings"},
		{state: "pullsecrets", target: "deploy/typo", rule: "pullsecret-missing", message: "no secret/regcerd", label: "there is regcred", command: `"value":"regcred"`},
		{state: "pullsecrets", target: "deploy/generic", rule: "pullsecret-wrong", message: "has 2 entries, password, username", command: "create secret docker-registry registry-user-login --docker-server=127.0.0.1:15101"},
		{state: "image-login", target: "deploy/late", rule: "image-auth", message: "which only pods that are made from now on get", command: "rollout restart deployment/late"},
		{state: "image-login", target: "deploy/denied", rule: "image-auth", message: "answers 403 Forbidden", command: `"value":[{"name":"regcred"}]`},
		{state: "registry-unreachable", target: "deploy/name", rule: "image-registry-unreachable", message: "there is a registry registry.k8s.io", command: "app=registry.k8s.io/pause:3.9"},
		{state: "registry-unreachable", target: "deploy/authority", rule: "image-registry-unreachable", message: "authority that the node does not know"},
		{state: "registry-unreachable", target: "deploy/plain-http", rule: "image-registry-unreachable", message: "speaks plain HTTP"},
		{state: "registry-unreachable", target: "deploy/ill", rule: "image-registry-unreachable", message: "503 Service Unavailable"},
		{state: "image-slow-pull", target: "deploy/ill", rule: "image-slow-pull", message: "1s before that pod/plain-http-", because: "pod/plain-http-"},
		{state: "image-slow-pull", target: "deploy/silent", rule: "image-slow-pull", message: "4 other pods on the node wait for images too", label: "or behind one that is"},
		{state: "image-never", target: "deploy/other-tag", rule: "image-never", message: "it has localhost/misbehave:v1", command: "app=localhost/misbehave:v1"},
		{state: "nonroot-users", target: "deploy/by-name", rule: "nonroot-nonnumeric", message: `names its user "app"`, command: `"value":<UID>`},
		{state: "sa-missing", target: "sts/db", rule: "sa-missing", label: "there is database", command: `"value":"database"`},
		{state: "subpath-mismatch", target: "deploy/file-on-folder", rule: "subpath-mismatch", message: "a file cannot be mounted onto a folder", command: `"value":"/tmp/app.conf"`},
		{state: "hostpath-type", target: "deploy/other", rule: "hostpath-type", message: "/etc on node/real-1 is a directory", command: `"value":"Directory"`},
		{state: "node-not-ready", target: "deploy/web", rule: "node-notready-kubelet", message: "2 pods on it no longer count as ready"},
		{state: "pending-room", target: "deploy/mixed", rule: "sched-insufficient", message: "node-a, has 2500m left", command: "--requests=cpu=1250m"},
		{state: "pending-room", target: "deploy/crowded", rule: "sched-too-many-pods", message: "node/node-e has 1 of 1"},
		{state: "pending-room", target: "deploy/fpga-typo", rule: "sched-extended", message: "there is example.com/fpga", command: "example.com~1fpga"},
		{state: "pending-neighbours", target: "deploy/anti", rule: "sched-anti-affinity", message: "all 2 nodes that would take one", command: "scale deployment/anti --replicas=2"},
		{state: "pending-neighbours", target: "deploy/guest", rule: "sched-anti-affinity", message: "deployment/lonely must not share a node"},
		{state: "pending-neighbours", target: "deploy/spread", rule: "sched-spread", message: "a has 1, b has 1, c has 0, and c takes none: node/node-d: cordoned"},
		{state: "pending-neighbours", target: "deploy/near-typo", rule: "sched-affinity", label: "there is cache", command: `"value":"cache"`},
		{state: "pending-claims", target: "deploy/csi-3", rule: "sched-volume-limit", message: "node/node-a at most 1"},
		{state: "claims-pending", target: "deploy/taken", rule: "pvc-static-mismatch", message: "kept for claim other/old", command: `"path":"/spec/claimRef"`},
		{state: "pods-refused", target: "pod/memory", rule: "kubelet-reject", message: "asks for 900Gi of memory, and of 23.3Gi"},
	} {
		t.Run(c.state+" "+c.rule, func(t *testing.T) {
			s, fetcher := partOf(t, c.state, strings.Fields(c.without), 0)
			targets, err := collect.TargetsIn(s, "", nil, []string{c.target})
			if err != nil {
				t.Fatal(err)
			}
			if err := collect.Loop(context.Background(), fetcher, s, func() []snapshot.Want { return eng.Wants(s, targets) }); err != nil {
				t.Fatal(err)
			}
			diagnoses, _ := eng.Explain(s, targets)
			for _, f := range diagnoses[0].Findings {
				if f.Rule != c.rule {
					continue
				}
				because, command, caution := "", "", ""
				if f.Because != nil {
					because = f.Because.String()
				}
				if f.Fix != nil {
					command, caution = strings.Join(f.Fix.Command, " "), f.Fix.Caution
				}
				for _, part := range []struct{ name, got, want string }{
					{"message", f.Message, c.message}, {"label", f.Label, c.label}, {"because", because, c.because}, {"command", command, c.command}, {"caution", caution, c.caution},
				} {
					if !strings.Contains(part.got, part.want) || part.name == "because" && part.want == "" && part.got != "" {
						t.Errorf("%s: %q, want %q in it", part.name, part.got, part.want)
					}
				}
				return
			}
			t.Errorf("it is not found at all")
		})
	}
}
