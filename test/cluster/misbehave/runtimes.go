package main

import (
	"fmt"
	"slices"
	"strings"
)

// lastWords are what the runtime of a language writes when a program in it dies, and the code with
// which it exits. They are copied from such programs; only names are made up.
type lastWords struct {
	code int
	text string
}

var runtimes = map[string]lastWords{
	"java": {1, `2025-03-01T10:00:00.101Z  INFO 1 --- [           main] com.example.shop.Application             : Starting Application v1.4.2 using Java 21.0.6 with PID 1
Exception in thread "main" java.lang.IllegalStateException: Cannot load configuration class: com.example.shop.PricingConfig
	at com.example.shop.PricingConfig.load(PricingConfig.java:58)
	at com.example.shop.Application.main(Application.java:21)
Caused by: java.lang.NullPointerException: Cannot invoke "String.trim()" because "currency" is null
	... 2 more`},
	"java-heap": {3, `2025-03-01T10:00:07.311Z  INFO 1 --- [           main] com.example.shop.Catalog                 : loading catalog
java.lang.OutOfMemoryError: Java heap space
Dumping heap to java_pid1.hprof ...
Unable to create java_pid1.hprof: Read-only file system
Exception in thread "main" java.lang.OutOfMemoryError: Java heap space
	at java.base/java.util.Arrays.copyOf(Arrays.java:3537)
	at java.base/java.util.ArrayList.grow(ArrayList.java:237)
	at com.example.shop.Catalog.load(Catalog.java:112)
Terminating due to java.lang.OutOfMemoryError: Java heap space`},
	"node": {1, `/app/server.js:14
  const ttl = config.cache.ttl;
                           ^

TypeError: Cannot read properties of undefined (reading 'ttl')
    at Object.<anonymous> (/app/server.js:14:28)
    at Module._compile (node:internal/modules/cjs/loader:1554:14)
    at node:internal/main/run_main_module:36:49

Node.js v22.14.0`},
	"node-heap": {134, `<--- Last few GCs --->

[1:0x6a4c2d0]    41782 ms: Mark-Compact (reduce) 254.1 (256.9) -> 253.7 (257.1) MB, pooled: 0 MB, 312.14 / 0.00 ms  (average mu = 0.078, current mu = 0.001) last resort; GC in old space requested

FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory
----- Native stack trace -----

 1: 0xe13f7e node::OOMErrorHandler(char const*, v8::OOMDetails const&) [node]`},
	"python": {1, `INFO:app:starting
Traceback (most recent call last):
  File "/app/main.py", line 31, in <module>
    main()
  File "/app/main.py", line 24, in main
    rates = load_rates("/app/rates.json")
  File "/app/rates.py", line 9, in load_rates
    return {r["code"]: float(r["value"]) for r in data}
KeyError: 'value'`},
	"rust": {101, `thread 'main' panicked at src/main.rs:17:42:
called ` + "`Option::unwrap()` on a `None`" + ` value
note: run with ` + "`RUST_BACKTRACE=1`" + ` environment variable to display a backtrace`},
	"segfault":      {139, `Segmentation fault (core dumped)`},
	"abort":         {134, "terminate called after throwing an instance of 'std::out_of_range'\n  what():  vector::_M_range_check: __n (which is 7) >= this->size() (which is 7)\nAborted (core dumped)"},
	"flag":          {2, "flag provided but not defined: -verbos\nUsage of server:\n  -verbose\n    \tsay more"},
	"config":        {1, "error: parsing /etc/app/config.yaml: yaml: line 7: mapping values are not allowed in this context"},
	"dns":           {1, "dial tcp: lookup cache.shop.svc.cluster.local on 10.96.0.10:53: no such host"},
	"auth":          {1, `FATAL:  password authentication failed for user "shop"`},
	"rbac":          {1, `error listing pods: pods is forbidden: User "system:serviceaccount:shop:default" cannot list resource "pods" in API group "" in the namespace "shop"`},
	"tls-expired":   {1, `Get "https://payments.example.com/": tls: failed to verify certificate: x509: certificate has expired or is not yet valid: current time 2025-03-01T10:00:00Z is after 2025-02-01T00:00:00Z`},
	"shell-missing": {127, "/app/start.sh: line 3: wge: not found"},
	"exec-format":   {255, "exec /app/server: exec format error"},
}

// runtimeNames are the names that -as takes.
func runtimeNames() []string {
	names := []string{"go"}
	for name := range runtimes {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func crash(p *process, o *options) int {
	p.sleep(o.after)
	if o.as == "go" { // the real one
		panic("runtime error: index out of range [5] with length 3")
	}
	words, ok := runtimes[o.as]
	if !ok {
		_, _ = fmt.Fprintf(p.err, "misbehave crash: -as %q is none of %s\n", o.as, strings.Join(runtimeNames(), ", "))
		return 2
	}
	_, _ = fmt.Fprintln(p.err, words.text)
	return words.code
}
