package knowledge

import (
	"fmt"
	"testing"
)

func TestHostsIn(t *testing.T) {
	for value, want := range map[string]string{
		"https://api.example.com/v1?x=y":                              "[api.example.com]",
		"postgres://shop:s3cret@db.example.com:5432/shop":             "[db.example.com:5432]",
		"jdbc:postgresql://DB.Example.com.:5432/shop":                 "[db.example.com:5432]",
		"jdbc:sqlserver://db.example.com:1433;databaseName=x":         "[db.example.com:1433]",
		"mongodb://u:p@a.example.com:1,b.example.com:2/x":             "[a.example.com:1 b.example.com:2]",
		"postgres://john.doe:12/34@db.example.com/x":                  "[]", // what ends the login is not clear
		"shop:s3cret@tcp(db.example.com:3306)/shop":                   "[db.example.com:3306]",
		"host=db.example.com port=5432 password=x":                    "[db.example.com]",
		"Server=db.example.com;Password=x":                            "[db.example.com]",
		"a.example.com:9092,b.example.com:9092":                       "[a.example.com:9092 b.example.com:9092]",
		"db.example.com":                                              "[]", // alone it may be anything
		"10.1.2.3:80":                                                 "[10.1.2.3:80]",
		"http://[fd00::1]:80":                                         "[[fd00::1]:80]",
		"1.2.3:80":                                                    "[]",
		"12:30":                                                       "[]",
		"quay.io/prometheus/prometheus:9090":                          "[]",
		"s3://bucket.example.com/x":                                   "[]",
		"-Dproxy=http://proxy.example.com:3128 -Dother=https://x.y/z": "[proxy.example.com:3128 x.y]",
		"https://$(HOST):80/":                                         "[]",
		"a.example.com:80,not a host":                                 "[]",
		":8080":                                                       "[]",
		"":                                                            "[]",
	} {
		if got := fmt.Sprint(HostsIn(value, false)); got != want {
			t.Errorf("%s: %s, want %s", value, got, want)
		}
	}
	if got := fmt.Sprint(HostsIn("db.example.com", true)); got != "[db.example.com]" {
		t.Errorf("a host alone: %s", got)
	}
}

func TestHostNames(t *testing.T) {
	for name, want := range map[string][2]bool{ // known, of a cluster
		"db.example.com":                {true, false},
		"db.corp.local":                 {true, false},
		"web.shop":                      {false, false},
		"web":                           {false, false},
		"web.shop.svc":                  {false, true},
		"web.shop.svc.cluster.local":    {false, true},
		"web.shop.svc.k8s.example.com":  {false, true},
		"svc.example.com":               {true, false},
		"metadata.google.internal":      {false, true},
		"10-0-0-1.shop.pod":             {false, true},
		"kubernetes.svc.corp.local.com": {true, false},
	} {
		if got := [2]bool{KnownDomain(name), ClusterDomain(name)}; got != want {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
	if !HostSetting("DB_HOST") || !HostSetting("dbHost") || HostSetting("HOSTNAME") || HostSetting("GHOST") {
		t.Error("HostSetting")
	}
	if !OwnAddress("PUBLIC_URL") || !OwnAddress("CORS_ORIGINS") || OwnAddress("DATABASE_URL") {
		t.Error("OwnAddress")
	}
}
