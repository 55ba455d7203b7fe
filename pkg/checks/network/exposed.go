package network

import (
	"net/netip"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// internalBy are the annotations that make a load balancer one of the private network, and what they must say; ""
// stands for anything. Source: the documents of the clouds' controllers.
var internalBy = map[string][]string{
	"service.beta.kubernetes.io/aws-load-balancer-internal":              {"true", "0.0.0.0/0"},
	"service.beta.kubernetes.io/aws-load-balancer-scheme":                {"internal"},
	"service.beta.kubernetes.io/azure-load-balancer-internal":            {"true"},
	"networking.gke.io/load-balancer-type":                               {"internal"},
	"cloud.google.com/load-balancer-type":                                {"internal"},
	"service.beta.kubernetes.io/openstack-internal-load-balancer":        {"true"},
	"service.beta.kubernetes.io/alibaba-cloud-loadbalancer-address-type": {"intranet"},
	"service.kubernetes.io/qcloud-loadbalancer-internal-subnetid":        {""},
	"service.kubernetes.io/ibm-load-balancer-cloud-provider-ip-type":     {"private"},
	"service.beta.kubernetes.io/oci-load-balancer-internal":              {"true"},
	"oci-network-load-balancer.oraclecloud.com/internal":                 {"true"},
	"load-balancer.hetzner.cloud/disable-public-network":                 {"true"},
	"service.beta.kubernetes.io/do-loadbalancer-network":                 {"internal"},
	"service.beta.kubernetes.io/scw-loadbalancer-private":                {"true"},
	"yandex.cloud/load-balancer-type":                                    {"internal"},
	"service.beta.kubernetes.io/cce-load-balancer-internal-vpc":          {"true"},
}

// limitedBy are the annotations that say who may connect to a load balancer.
var limitedBy = []string{
	"service.beta.kubernetes.io/aws-load-balancer-security-groups", "service.beta.kubernetes.io/azure-allowed-ip-ranges",
	"service.beta.kubernetes.io/azure-allowed-service-tags", "service.beta.kubernetes.io/do-loadbalancer-allow-rules",
}

// privateClasses are load balancers that are never on the internet.
var privateClasses = map[string]bool{"tailscale": true}

// awsController is the class of the AWS Load Balancer Controller. Balancers that it makes are internal unless the
// scheme says otherwise. Source: its guide to annotations of Services.
const (
	awsController = "service.k8s.aws/nlb"
	awsType       = "service.beta.kubernetes.io/aws-load-balancer-type"
	awsScheme     = "service.beta.kubernetes.io/aws-load-balancer-scheme"
)

// internal says by what a Service of type LoadBalancer is one of the private network, or "".
func internal(svc *corev1.Service) string {
	for k, v := range svc.Annotations {
		for _, want := range internalBy[k] {
			if want == "" || strings.EqualFold(strings.TrimSpace(v), want) {
				return k
			}
		}
	}
	class := ""
	if svc.Spec.LoadBalancerClass != nil {
		class = *svc.Spec.LoadBalancerClass
	}
	kind := svc.Annotations[awsType]
	switch {
	case privateClasses[class]:
		return "loadBalancerClass " + class
	case (class == awsController || kind == "external" || kind == "nlb-ip") && svc.Annotations[awsScheme] == "":
		return "the default of the AWS Load Balancer Controller"
	case isPrivate(svc.Spec.LoadBalancerIP):
		return "loadBalancerIP"
	}
	if list := svc.Status.LoadBalancer.Ingress; len(list) > 0 {
		for _, in := range list {
			if !isPrivate(in.IP) {
				return ""
			}
		}
		return "its address"
	}
	return ""
}

func isPrivate(ip string) bool {
	addr, err := netip.ParseAddr(ip)
	return err == nil && (addr.IsPrivate() || addr.IsLoopback() || addr.IsLinkLocalUnicast())
}

// limited tells whether only some addresses may connect to a load balancer.
func limited(svc *corev1.Service) bool {
	ranges := svc.Spec.LoadBalancerSourceRanges
	if len(ranges) == 0 {
		if list := svc.Annotations[corev1.AnnotationLoadBalancerSourceRangesKey]; list != "" {
			ranges = strings.Split(list, ",")
		}
	}
	for _, r := range ranges {
		if everyone(strings.TrimSpace(r)) {
			return false
		}
	}
	if len(ranges) > 0 {
		return true
	}
	for _, k := range limitedBy {
		if svc.Annotations[k] != "" {
			return true
		}
	}
	return false
}

// everyone tells whether a range of addresses holds all of them.
func everyone(cidr string) bool {
	prefix, err := netip.ParsePrefix(cidr)
	return err == nil && prefix.Bits() == 0
}

// Ports of the web.
const (
	portHTTP  = 80
	portHTTPS = 443
)

// guarded are ports of programs that are no website: databases, and what administers machines. Source: IANA's registry
// of service names and port numbers, and the programs' own defaults.
var guarded = map[int32]string{
	22: "SSH", 23: "Telnet", 111: "rpcbind", 389: "LDAP", 445: "SMB", 1433: "SQL Server", 1521: "Oracle", 2049: "NFS", 2375: "Docker",
	2376: "Docker", 2379: "etcd", 2380: "etcd", 3306: "MySQL", 3389: "RDP", 5432: "PostgreSQL", 5601: "Kibana", 5672: "AMQP", 5900: "VNC",
	5984: "CouchDB", 6379: "Redis", 6443: "the Kubernetes API", 8086: "InfluxDB", 9042: "Cassandra", 9090: "Prometheus", 9092: "Kafka",
	9200: "Elasticsearch", 9300: "Elasticsearch", 10250: "the kubelet", 11211: "memcached", 15672: "RabbitMQ's management", 26257: "CockroachDB", 27017: "MongoDB",
}

// opened words the ports of a Service that outsiders reach, and tells the first that is none of a website.
func opened(svc *corev1.Service) (ports []string, web bool, guard string, at int) {
	web, at = true, -1
	for i, sp := range svc.Spec.Ports {
		ports = append(ports, portWords(sp))
		if sp.Port != portHTTP && sp.Port != portHTTPS {
			web = false
		}
		if name, ok := guarded[sp.Port]; ok && at < 0 {
			guard, at = name, i
		}
	}
	return ports, web, guard, at
}

func portWords(sp corev1.ServicePort) string {
	text := strconv.Itoa(int(sp.Port))
	if pr := protocolOf(sp.Protocol); pr != corev1.ProtocolTCP {
		text += "/" + string(pr)
	}
	return text
}
