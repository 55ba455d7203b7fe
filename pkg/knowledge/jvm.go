package knowledge

import "strings"

// jvmWords are the parts of image names behind which a Java virtual machine starts: distributions
// of the JDK, and servers that are written in Java. Source: their images on Docker Hub and Quay.
var jvmWords = map[string]bool{
	"openjdk": true, "jdk": true, "jre": true, "java": true, "temurin": true, "corretto": true, "zulu": true, "liberica": true, "graalvm": true, "semeru": true,
	"tomcat": true, "jetty": true, "wildfly": true, "payara": true, "liberty": true, "spring": true, "springboot": true, "maven": true, "gradle": true,
	"keycloak": true, "elasticsearch": true, "opensearch": true, "logstash": true, "solr": true, "cassandra": true, "kafka": true, "zookeeper": true,
	"activemq": true, "artemis": true, "hazelcast": true, "jenkins": true, "sonarqube": true, "nexus3": true, "neo4j": true, "trino": true, "flink": true,
	"spark": true, "nifi": true, "debezium": true, "hadoop": true, "hbase": true, "druid": true, "pulsar": true,
}

// notJVMWords turn an image that is named after a Java server into a tool for one, in another language.
var notJVMWords = map[string]bool{
	"exporter": true, "operator": true, "proxy": true, "dashboards": true, "client": true, "curator": true, "backup": true, "sidecar": true, "native": true,
}

// JVMImage tells whether an image's name says that it starts a Java virtual machine.
func JVMImage(image string) bool {
	name, _, _ := strings.Cut(image, "@")
	slash := strings.LastIndexByte(name, '/')
	repository, tag, _ := strings.Cut(name[slash+1:], ":")
	split := func(s string) []string {
		return strings.FieldsFunc(strings.ToLower(s), func(r rune) bool { return r == '-' || r == '_' || r == '.' })
	}
	found := false
	for _, w := range split(repository) {
		if notJVMWords[w] {
			return false
		}
		found = found || jvmWords[w]
	}
	for _, w := range split(tag) { // maven:3-eclipse-temurin-21, app:1.2-jre17
		if notJVMWords[w] {
			return false
		}
		found = found || jvmWords[strings.TrimRight(w, "0123456789")]
	}
	return found
}
