package knowledge

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"sigs.k8s.io/yaml"
)

func policies(t *testing.T, specs ...string) []*networkingv1.NetworkPolicy {
	t.Helper()
	var list []*networkingv1.NetworkPolicy
	for _, spec := range specs {
		policy := &networkingv1.NetworkPolicy{}
		policy.Namespace = "shop"
		if err := yaml.UnmarshalStrict([]byte(spec), &policy.Spec); err != nil {
			t.Fatal(err)
		}
		list = append(list, policy)
	}
	return list
}

func TestNetworkPolicies(t *testing.T) {
	db := Endpoint{
		Namespace: "shop", Labels: map[string]string{"app": "db"}, IPs: []string{"10.0.0.9"},
		Ports: []corev1.ContainerPort{{Name: "sql", ContainerPort: 5432}, {Name: "stats", ContainerPort: 9187, Protocol: corev1.ProtocolUDP}},
	}
	web := Endpoint{Namespace: "shop", Labels: map[string]string{"app": "web"}, IPs: []string{"10.0.0.5"}}
	other := Endpoint{Namespace: "lab", NamespaceLabels: map[string]string{"team": "lab", "kubernetes.io/metadata.name": "lab"}, NamespaceRead: true, Labels: map[string]string{"app": "web"}, IPs: []string{"10.0.0.6"}}
	unread := Endpoint{Namespace: "lab", Labels: map[string]string{"app": "web"}, IPs: []string{"10.0.0.6"}}
	outside := Endpoint{IPs: []string{"192.0.2.1"}}
	host := Endpoint{Namespace: "shop", Labels: map[string]string{"app": "web"}, IPs: []string{"10.1.0.1"}, HostNetwork: true}
	const tcp, udp = corev1.ProtocolTCP, corev1.ProtocolUDP
	for _, c := range []struct {
		name     string
		specs    []string
		to, from Endpoint
		protocol corev1.Protocol
		port     int32
		want     Answer
	}{
		{"no policy", nil, db, web, tcp, 5432, Yes},
		{"of another pod", []string{`{podSelector: {matchLabels: {app: web}}}`}, db, web, tcp, 5432, Yes},
		{"for all pods, and no rule", []string{`{podSelector: {}}`}, db, web, tcp, 5432, No},
		{"a rule for everyone", []string{`{podSelector: {}, ingress: [{}]}`}, db, web, tcp, 5432, Yes},
		{"only egress is limited", []string{`{podSelector: {}, policyTypes: [Egress]}`}, db, web, tcp, 5432, Yes},
		{"egress rules and no types limit both", []string{`{podSelector: {}, egress: [{}]}`}, db, web, tcp, 5432, No},
		{"by pod labels", []string{`{podSelector: {}, ingress: [{from: [{podSelector: {matchLabels: {app: web}}}]}]}`}, db, web, tcp, 5432, Yes},
		{"by other pod labels", []string{`{podSelector: {}, ingress: [{from: [{podSelector: {matchLabels: {app: api}}}]}]}`}, db, web, tcp, 5432, No},
		{"pod labels are for the own namespace", []string{`{podSelector: {}, ingress: [{from: [{podSelector: {matchLabels: {app: web}}}]}]}`}, db, other, tcp, 5432, No},
		{"an empty pod selector is the own namespace", []string{`{podSelector: {}, ingress: [{from: [{podSelector: {}}]}]}`}, db, other, tcp, 5432, No},
		{"by namespace", []string{`{podSelector: {}, ingress: [{from: [{namespaceSelector: {matchLabels: {team: lab}}}]}]}`}, db, other, tcp, 5432, Yes},
		{"all namespaces", []string{`{podSelector: {}, ingress: [{from: [{namespaceSelector: {}}]}]}`}, db, unread, tcp, 5432, Yes},
		{"by namespace, of which the labels were not read", []string{`{podSelector: {}, ingress: [{from: [{namespaceSelector: {matchLabels: {team: lab}}}]}]}`}, db, unread, tcp, 5432, Unknown},
		{"by the name of the namespace", []string{`{podSelector: {}, ingress: [{from: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: lab}}}]}]}`}, db, unread, tcp, 5432, Yes},
		{"by the name of another namespace", []string{`{podSelector: {}, ingress: [{from: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: prod, team: lab}}}]}]}`}, db, unread, tcp, 5432, No},
		{"both in one peer are and", []string{`{podSelector: {}, ingress: [{from: [{namespaceSelector: {}, podSelector: {matchLabels: {app: api}}}]}]}`}, db, other, tcp, 5432, No},
		{"two peers are or", []string{`{podSelector: {}, ingress: [{from: [{namespaceSelector: {}}, {podSelector: {matchLabels: {app: api}}}]}]}`}, db, other, tcp, 5432, Yes},
		{"by address", []string{`{podSelector: {}, ingress: [{from: [{ipBlock: {cidr: 192.0.2.0/24}}]}]}`}, db, outside, tcp, 5432, Yes},
		{"but not that one", []string{`{podSelector: {}, ingress: [{from: [{ipBlock: {cidr: 192.0.2.0/24, except: [192.0.2.1/32]}}]}]}`}, db, outside, tcp, 5432, No},
		{"pod selectors are not for addresses", []string{`{podSelector: {}, ingress: [{from: [{podSelector: {}}, {namespaceSelector: {}}]}]}`}, db, outside, tcp, 5432, No},
		{"a pod of the host's network", []string{`{podSelector: {}, ingress: [{from: [{podSelector: {matchLabels: {app: web}}}]}]}`}, db, host, tcp, 5432, Unknown},
		{"to a pod of the host's network", []string{`{podSelector: {}}`}, host, db, tcp, 80, Yes},
		{"port", []string{`{podSelector: {}, ingress: [{ports: [{port: 5432}]}]}`}, db, web, tcp, 5432, Yes},
		{"other port", []string{`{podSelector: {}, ingress: [{ports: [{port: 80}]}]}`}, db, web, tcp, 5432, No},
		{"other protocol", []string{`{podSelector: {}, ingress: [{ports: [{port: 5432, protocol: UDP}]}]}`}, db, web, tcp, 5432, No},
		{"all ports of a protocol", []string{`{podSelector: {}, ingress: [{ports: [{protocol: TCP}]}]}`}, db, web, tcp, 5432, Yes},
		{"port by name", []string{`{podSelector: {}, ingress: [{ports: [{port: sql}]}]}`}, db, web, tcp, 5432, Yes},
		{"port by a name that is another's", []string{`{podSelector: {}, ingress: [{ports: [{port: sql}]}]}`}, db, web, tcp, 5433, No},
		{"port by name, of another protocol", []string{`{podSelector: {}, ingress: [{ports: [{port: stats}]}]}`}, db, web, tcp, 9187, No},
		{"port by name, over UDP", []string{`{podSelector: {}, ingress: [{ports: [{port: stats, protocol: UDP}]}]}`}, db, web, udp, 9187, Yes},
		{"range", []string{`{podSelector: {}, ingress: [{ports: [{port: 5000, endPort: 6000}]}]}`}, db, web, tcp, 5432, Yes},
		{"end of a range", []string{`{podSelector: {}, ingress: [{ports: [{port: 5000, endPort: 5431}]}]}`}, db, web, tcp, 5432, No},
		{"peer and port are and", []string{`{podSelector: {}, ingress: [{from: [{podSelector: {matchLabels: {app: web}}}], ports: [{port: 80}]}]}`}, db, web, tcp, 5432, No},
		{"not peer of one rule and port of another", []string{`{podSelector: {}, ingress: [{from: [{podSelector: {matchLabels: {app: web}}}], ports: [{port: 80}]}, {from: [{podSelector: {matchLabels: {app: api}}}]}]}`}, db, web, tcp, 5432, No},
		{"what one policy lets in, no other keeps out", []string{`{podSelector: {}}`, `{podSelector: {matchLabels: {app: db}}, ingress: [{from: [{podSelector: {matchLabels: {app: web}}}]}]}`}, db, web, tcp, 5432, Yes},
		{"by expression", []string{`{podSelector: {matchExpressions: [{key: app, operator: In, values: [db]}]}, ingress: [{from: [{podSelector: {matchExpressions: [{key: app, operator: NotIn, values: [web]}]}}]}]}`}, db, web, tcp, 5432, No},
	} {
		if got := LetsIn(policies(t, c.specs...), c.to, c.from, c.protocol, c.port); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
	dns := Endpoint{Namespace: "kube-system", Labels: map[string]string{"k8s-app": "kube-dns"}, Ports: []corev1.ContainerPort{{Name: "dns", ContainerPort: 53, Protocol: udp}}}
	for _, c := range []struct {
		name  string
		specs []string
		want  Answer
	}{
		{"no policy", nil, Yes},
		{"only ingress is limited", []string{`{podSelector: {}}`}, Yes},
		{"nothing is let out", []string{`{podSelector: {}, policyTypes: [Egress]}`}, No},
		{"to the own namespace only", []string{`{podSelector: {}, policyTypes: [Egress], egress: [{to: [{podSelector: {}}]}]}`}, No},
		{"to all namespaces", []string{`{podSelector: {}, policyTypes: [Egress], egress: [{to: [{namespaceSelector: {}}]}]}`}, Yes},
		{"to port 53, over TCP", []string{`{podSelector: {}, policyTypes: [Egress], egress: [{ports: [{port: 53}]}]}`}, No},
		{"to port 53", []string{`{podSelector: {}, policyTypes: [Egress], egress: [{ports: [{port: 53, protocol: UDP}]}]}`}, Yes},
		{"to the other's port by name", []string{`{podSelector: {}, policyTypes: [Egress], egress: [{ports: [{port: dns, protocol: UDP}]}]}`}, Yes},
		{"to an address that is not known", []string{`{podSelector: {}, policyTypes: [Egress], egress: [{to: [{ipBlock: {cidr: 10.0.0.0/8}}]}]}`}, Unknown},
	} {
		if got := LetsOut(policies(t, c.specs...), web, dns, udp, 53); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}
