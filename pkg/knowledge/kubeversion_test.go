package knowledge

import (
	"fmt"
	"testing"
)

func TestKubeVersionAllows(t *testing.T) {
	for _, tt := range []struct {
		constraint string
		minor      int
		want       string
	}{
		{">=1.25.0-0", 25, "true true"},
		{">=1.25.0-0", 24, "false true"},
		{">= 1.19.0-0 < 1.35.0-0", 34, "true true"},
		{">= 1.19.0-0 < 1.35.0-0", 35, "false true"},
		{">=1.19.0, <1.35.0", 35, "false true"},
		{"<1.35.0 || >=1.36.0", 35, "false true"},
		{"<1.35.0||>=1.36.0", 36, "true true"},
		{">=1.35.4", 35, "true true"}, // a later patch does
		{">1.35.4", 35, "true true"},
		{">1.35", 35, "false true"},
		{"<=1.35", 35, "true true"},
		{"<=1.34.x", 35, "false true"},
		{"<=1.35.0", 35, "true true"},
		{"<1.35.0", 35, "false true"},
		{"<1.35.3", 35, "true true"},
		{"1.20 - 1.34", 34, "true true"},
		{"1.20.0 - 1.34.x", 35, "false true"},
		{"^1.20.0-0", 60, "true true"},
		{"^0.9", 34, "false true"},
		{"~1.34", 34, "true true"},
		{"~1.34.2", 35, "false true"},
		{"~>1.34.2", 34, "true true"},
		{"~1", 35, "true true"},
		{"1.x", 35, "true true"},
		{"v1.34.x", 35, "false true"},
		{"=1.35", 35, "true true"},
		{"!=1.35.x", 35, "false true"},
		{"!=1.35.0", 35, "true true"},
		{"*", 35, "true true"},
		{">=1.19.0-0 <1.35.0-alpha.1", 35, "false true"},
		{">=v1.21.0+k3s1", 35, "true true"},

		{"", 35, "false false"},
		{">=1.25 ||", 35, "false false"},
		{"one", 35, "false false"},
		{">=1.25.0 and <1.35.0", 35, "false false"},
		{">=1.2.3.4", 35, "false false"},
		{">=*", 35, "true true"},
		{">=99999999999999999999", 35, "false false"},
		{"<1.99999999999999999999", 35, "false false"},
		{"=>1.x.y", 35, "false false"},
	} {
		allowed, ok := KubeVersionAllows(tt.constraint, tt.minor)
		if got := fmt.Sprint(allowed, ok); got != tt.want {
			t.Errorf("%q, 1.%d: got %s, want %s", tt.constraint, tt.minor, got, tt.want)
		}
	}
}
