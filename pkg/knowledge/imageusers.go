package knowledge

import "strings"

// imageUsers are the users that well-known images make for their server, and start it as unless they
// are told otherwise. Source: the Dockerfiles of the images of these names.
var imageUsers = map[string]int64{
	"postgres": 999, "postgresql": 1001, "mysql": 999, "mariadb": 999, "mongo": 999, "redis": 999, "rabbitmq": 999,
	"elasticsearch": 1000, "opensearch": 1000, "kibana": 1000, "logstash": 1000, "grafana": 472, "jenkins": 1000,
}

// ImageUser is the user id that images of this name bring for their server, or 0.
func ImageUser(image string) int64 {
	name, _, _ := strings.Cut(image, "@")
	name = name[strings.LastIndexByte(name, '/')+1:]
	name, tag, _ := strings.Cut(name, ":")
	if strings.Contains(tag, "alpine") { // its package manager hands out other ids
		return 0
	}
	return imageUsers[name]
}
