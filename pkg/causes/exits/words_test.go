package exits

import "testing"

// What programs write when a connection is refused, and what only looks like it.
func TestRefusedReading(t *testing.T) {
	for log, want := range map[string]string{
		"dial tcp 10.96.0.7:5432: connect: connection refused":                                                                                                                                "10.96.0.7:5432",
		"read tcp 10.88.0.4:41234->10.96.0.7:5432: connect: connection refused":                                                                                                               "10.96.0.7:5432",
		"2026/11/21 01:34:19 main.go:78: cannot connect to db.prod.svc:5432: connection refused":                                                                                              "db.prod.svc:5432",
		"Error: connect ECONNREFUSED 10.0.0.5:5432\n    at TCPConnectWrap.afterConnect (node:net:1611:16) {\n  errno: -111,\n  code: 'ECONNREFUSED'\n}\n\nNode.js v20.17.0":                   "10.0.0.5:5432",
		"Error: connect ECONNREFUSED ::1:6379":                                                                                                                                                "[::1]:6379",
		"psycopg2.OperationalError: connection to server at \"db\" (10.96.0.4), port 5432 failed: Connection refused\n\tIs the server running on that host and accepting TCP/IP connections?": "db:5432",
		"Could not connect to Redis at redis:6379: Connection refused":                                                                                                                        "redis:6379",
		"Connection to db:5432 refused. Check that the hostname and port are correct":                                                                                                         "db:5432",
		"ERROR 2003 (HY000): Can't connect to MySQL server on 'db:3306' (111)":                                                                                                                "db:3306",
		"amqp://rabbit:5672: connection refused\nretrying\namqp://rabbit:5672: connection refused\nretrying\namqp://rabbit:5672: connection refused\nthat was it":                             "rabbit:5672",
		"db:5432: connection refused\ngiving up after 1 attempt":                                                                                                                              "db:5432",

		"cache:6379: connection refused, going on without\nFATAL: table orders is missing": "",
		"dial tcp: lookup db on 10.96.0.10:53: no such host":                               "",
		"dial tcp 10.20.0.7:5432: i/o timeout":                                             "",
		"01:34:19 connection refused":                                                      "",
		"connection refused":                                                               "",
		"main.go:78: connection refused":                                                   "",
		"":                                                                                 "",
	} {
		got := ""
		if r := reasonIn(log, 1); r != nil && r.cause == "dependency-refused" {
			got = (&refusal{r.what, r.port}).address()
		}
		if got != want {
			t.Errorf("%q: refused by %q, want %q", log, got, want)
		}
	}
}

func TestServiceOfRefusal(t *testing.T) {
	for host, want := range map[string]string{
		"db": "shop/db", "db.prod": "prod/db", "db.prod.svc": "prod/db", "db.prod.svc.cluster.local": "prod/db", "db.prod.svc.cluster.local.": "prod/db",
		"db-0.db": "shop/db", "db-0.db.prod.svc.cluster.local": "prod/db",
		"localhost": "", "127.0.0.1": "", "10.96.0.7": "", "db.example.com": "", "example.com": "", "::1": "",
	} {
		got := ""
		if ns, name, ok := (&refusal{host: host}).service("shop"); ok {
			got = ns + "/" + name
		}
		if got != want {
			t.Errorf("%s: service %q, want %q", host, got, want)
		}
	}
}

func TestNames(t *testing.T) {
	for text, want := range map[string]bool{
		"db:5432": true, "postgres://u@db:5432/shop": true, "a=db:5432,b": true,
		"mydb:5432": false, "shop.db:5432": false, "db:54321": false, "db": false,
	} {
		if names(text, "db:5432") != want {
			t.Errorf("%q names db:5432: %v", text, !want)
		}
	}
}

// What language runtimes write when a program crashes, and what they write of one that goes on.
func TestCrashIn(t *testing.T) {
	type want struct{ words, frame string }
	for _, c := range []struct {
		exit int32
		log  string
		want
	}{
		{2, "panic: boom\n\ngoroutine 1 [running]:\npanic({0x1, 0x2})\n\t/usr/local/go/src/runtime/panic.go:787 +0x132\nmain.load(...)\n\t/src/load.go:12 +0x1\n", want{"panic: boom", "main.load (/src/load.go:12)"}},
		{2, "fatal error: all goroutines are asleep - deadlock!\n\ngoroutine 1 [select (no cases)]:\nmain.main()\n\t/src/main.go:5 +0x1d", want{"fatal error: all goroutines are asleep - deadlock!", "main.main (/src/main.go:5)"}},
		{1, "panic: boom\n\ngoroutine 1 [running]:\nmain.main()\n\t/src/main.go:5 +0x1d", want{}}, // recovered and logged: Go ends a panic with 2
		{2, "usage: app [-v]\npanic: is a word of this text", want{}},
		{1, "Traceback (most recent call last):\n  File \"/app/a.py\", line 3, in run\n    x()\n  File \"/usr/lib/python3.12/json/decoder.py\", line 9, in decode\nValueError: no", want{"ValueError: no", "run (/app/a.py:3)"}},
		{1, "Traceback (most recent call last):\n  File \"/app/a.py\", line 3, in run\nValueError: no\nserving\n1\n2\n3\n4\n5\n6\n7", want{}},
		{1, "Exception in thread \"main\" java.lang.Error: x\n\tat java.base/java.lang.A.b(A.java:1)\n\tat com.shop.Main.main(Main.java:9)", want{"java.lang.Error: x", "com.shop.Main.main (Main.java:9)"}},
		{1, "Exception in thread \"pool-1\" java.lang.Error: x\n\tat com.shop.Main.main(Main.java:9)", want{}},
		{1, "TypeError: x is not a function\n    at /app/i.js:3:1\n\nNode.js v22.1.0", want{"TypeError: x is not a function", "(/app/i.js:3:1)"}},
		{1, "TypeError: handled\n    at f (/app/i.js:3:1)\nserver stopped", want{}},
		{101, "thread 'main' panicked at src/main.rs:4:5:\nindex out of bounds\nnote: run with `RUST_BACKTRACE=1`", want{"index out of bounds", "src/main.rs:4:5"}},
		{134, "Unhandled exception. System.InvalidOperationException: no\n   at Shop.Program.Main() in /src/Program.cs:line 7", want{"System.InvalidOperationException: no", "Shop.Program.Main() (/src/Program.cs:7)"}},
		{1, "", want{}},
		{137, "panic: boom\n\ngoroutine 1 [running]:\nmain.main()\n\t/src/main.go:5", want{}},
	} {
		var got want
		if k := crashIn(c.log, c.exit); k != nil {
			got = want{k.words, k.frame}
		}
		if got != c.want {
			t.Errorf("exit %d, %q:\ngot  %+v\nwant %+v", c.exit, c.log, got, c.want)
		}
	}
}
