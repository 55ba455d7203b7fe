package knowledge

import (
	"slices"
	"testing"
)

func TestKeepsHistory(t *testing.T) {
	for repository, want := range map[string][2]bool{
		"prometheus/prometheus":                 {true, true},
		"datadog/agent":                         {true, true},
		"acme/agent":                            {false, true},
		"otel/opentelemetry-collector-contrib":  {false, false},
		"prometheus-operator/prometheus-config": {false, true},
	} {
		if keeps, known := KeepsHistory(repository); [2]bool{keeps, known} != want {
			t.Errorf("%s: %t, %t, want %v", repository, keeps, known, want)
		}
	}
	if list := HistoryImages(); !slices.Contains(list, "vmagent") || !slices.Contains(list, "alloy") {
		t.Errorf("%q", list)
	}
}
