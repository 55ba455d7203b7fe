package knowledge

import "testing"

func TestJVMImage(t *testing.T) {
	for image, want := range map[string]bool{
		"eclipse-temurin:21":                                      true,
		"registry.example:5000/team/openjdk-17":                   true,
		"quay.io/keycloak/keycloak:26.0":                          true,
		"shop/orders:1.4-jre17":                                   true,
		"docker.io/bitnami/kafka@sha256:0123456789abcdef":         true,
		"nexus3:3.70":                                             true,
		"nginx:1.27":                                              false,
		"java.example.com/nginx:1.27":                             false,
		"quay.io/prometheuscommunity/elasticsearch-exporter:v1.7": false,
		"strimzi/kafka-operator:0.40":                             false,
		"node:22":                                                 false,
		"quarkus-native-java:1":                                   false,
		"":                                                        false,
	} {
		if got := JVMImage(image); got != want {
			t.Errorf("JVMImage(%q) = %v", image, got)
		}
	}
}
