package testcluster

import (
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// PlantedSecret is part of every value of a Secret that a cluster of ScaleKind starts with: no output
// may have it.
const PlantedSecret = "planted-c0ffee"

// podsPerNamespace is how many pods a namespace has, about.
const podsPerNamespace = 250

// fault is how a workload is broken, "" where it is not.
type fault string

// The faults. Those that kwok plays have a stage; the scheduler and the controllers see to the others.
const (
	faultCrash    fault = "crash"
	faultOOM      fault = "oom"
	faultImage    fault = "image"
	faultUnready  fault = "unready"
	faultConfig   fault = "config"   // a ConfigMap that is not there
	faultInit     fault = "init"     // an init container that crashes
	faultTooBig   fault = "too-big"  // no node is large enough
	faultNoClaim  fault = "no-claim" // a PersistentVolumeClaim that is not there
	faultNoAdmit  fault = "account"  // a ServiceAccount that is not there: no pod is made
	faultJob      fault = "job"
	faultSelector fault = "selector" // a Service that selects nothing; the pods are well
)

// faultAnnotation tells kwok how a pod is broken.
const faultAnnotation = "testcluster.example.com/fault"

// faultTurns are the faults of Deployments; each in its turn.
var faultTurns = []fault{
	faultCrash, faultImage, faultTooBig, faultOOM, faultConfig, faultUnready, faultInit, faultNoAdmit, faultNoClaim, faultSelector,
}

const (
	// brokenEvery workload but one is well: about 3%.
	brokenEvery = 33
	firstBroken = 4
)

// content is what a cluster of ScaleKind starts with. The same numbers give the same content.
type content struct {
	batches    [][]runtime.Object // each may need those before it
	namespaces int
	workloads  int
	broken     int
	pods       int // that will be there
	ready      int // of Deployments, StatefulSets and DaemonSets
	done       int // of Jobs

	nodes      int
	byFault    int // how many faults had their turn
	base       []runtime.Object
	configured []runtime.Object
	running    []runtime.Object
	routed     []runtime.Object
}

func (w *content) objects() int {
	n := 0
	for _, b := range w.batches {
		n += len(b)
	}
	return n
}

func newContent(nodes, pods int) *content {
	w := &content{nodes: nodes}
	agents := min(nodes, pods/25) // nodes that have the agents of a platform: all of them, for a usual number of pods
	w.addNodes(nodes, pods, agents)
	w.addCluster()
	left := pods
	if agents > 0 {
		left -= w.addAgents(agents)
	}
	n := max(1, (left+podsPerNamespace/2)/podsPerNamespace)
	for i := range n {
		w.addTeam(i, left*(i+1)/n-left*i/n)
	}
	// Nodes and namespaces first, and what pods need before the pods; what routes to them and scales them
	// last.
	w.batches = [][]runtime.Object{w.base, w.configured, w.running, w.routed}
	return w
}

func pointer[T any](v T) *T { return &v }

func quantities(pairs ...string) corev1.ResourceList {
	list := corev1.ResourceList{}
	for i := 0; i < len(pairs); i += 2 {
		list[corev1.ResourceName(pairs[i])] = resource.MustParse(pairs[i+1])
	}
	return list
}

func (w *content) addNodes(nodes, pods, agents int) {
	each := (pods + nodes - 1) / nodes
	have := quantities(
		"cpu", fmt.Sprint(max(16, each/2)), "memory", fmt.Sprintf("%dGi", max(64, each*2)),
		"pods", fmt.Sprint(max(110, each*3/2)), "ephemeral-storage", "200Gi")
	for i := range nodes {
		name := fmt.Sprintf("node-%04d", i)
		labels := map[string]string{
			corev1.LabelHostname: name, corev1.LabelOSStable: "linux", corev1.LabelArchStable: "amd64",
			corev1.LabelTopologyRegion: "eu-west-1", corev1.LabelTopologyZone: "eu-west-1" + string(rune('a'+i%3)),
			corev1.LabelInstanceTypeStable: "m6i.4xlarge", "node.example.com/pool": []string{"general", "general", "memory"}[i%3],
		}
		if i < agents {
			labels["node.example.com/agents"] = "true"
		}
		w.base = append(w.base, &corev1.Node{
			ObjectMeta: metav1.ObjectMeta{Name: name, Labels: labels},
			Spec:       corev1.NodeSpec{ProviderID: fmt.Sprintf("aws:///eu-west-1%c/i-%017x", 'a'+i%3, i)},
			Status: corev1.NodeStatus{Capacity: have, Allocatable: have, NodeInfo: corev1.NodeSystemInfo{
				MachineID: fmt.Sprintf("%032x", i), SystemUUID: fmt.Sprintf("%032x", i), KernelVersion: "6.12.0", OSImage: "Bottlerocket OS 1.40.0",
				ContainerRuntimeVersion: "containerd://2.1.5", KubeletVersion: "v1.37.1", OperatingSystem: "linux", Architecture: "amd64",
			}},
		})
	}
}

// addNamespace adds what every namespace has.
func (w *content) addNamespace(name, team, env string) {
	w.namespaces++
	w.base = append(w.base, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{
		"team": team, "environment": env,
	}}})
	object := func(n string) metav1.ObjectMeta { return metav1.ObjectMeta{Namespace: name, Name: n} }
	udp, tcp, dns := corev1.ProtocolUDP, corev1.ProtocolTCP, intstr.FromInt32(53)
	w.configured = append(w.configured,
		&corev1.ServiceAccount{ObjectMeta: object("deployer")},
		&corev1.Secret{ObjectMeta: object("registry"), Type: corev1.SecretTypeDockerConfigJson, Data: map[string][]byte{
			corev1.DockerConfigJsonKey: fmt.Appendf(nil, `{"auths":{"registry.example.com":{"auth":%q}}}`, base64.StdEncoding.EncodeToString([]byte("robot:"+planted(name, "registry")))),
		}},
		&networkingv1.NetworkPolicy{ObjectMeta: object("default-deny"), Spec: networkingv1.NetworkPolicySpec{
			PolicyTypes: []networkingv1.PolicyType{networkingv1.PolicyTypeIngress, networkingv1.PolicyTypeEgress},
		}},
		&networkingv1.NetworkPolicy{ObjectMeta: object("allow-same-namespace"), Spec: networkingv1.NetworkPolicySpec{
			PolicyTypes: []networkingv1.PolicyType{networkingv1.PolicyTypeIngress, networkingv1.PolicyTypeEgress},
			Ingress:     []networkingv1.NetworkPolicyIngressRule{{From: []networkingv1.NetworkPolicyPeer{{PodSelector: &metav1.LabelSelector{}}}}},
			Egress: []networkingv1.NetworkPolicyEgressRule{
				{To: []networkingv1.NetworkPolicyPeer{{PodSelector: &metav1.LabelSelector{}}}},
				{
					To:    []networkingv1.NetworkPolicyPeer{{NamespaceSelector: &metav1.LabelSelector{MatchLabels: map[string]string{corev1.LabelMetadataName: "kube-system"}}}},
					Ports: []networkingv1.NetworkPolicyPort{{Protocol: &udp, Port: &dns}, {Protocol: &tcp, Port: &dns}},
				},
			},
		}},
		&corev1.LimitRange{ObjectMeta: object("defaults"), Spec: corev1.LimitRangeSpec{Limits: []corev1.LimitRangeItem{{
			Type: corev1.LimitTypeContainer, Default: quantities("memory", "512Mi"), DefaultRequest: quantities("cpu", "50m", "memory", "128Mi"),
		}}}},
	)
	if w.namespaces%3 != 1 {
		return
	}
	// Last, since admission waits for a quota that no controller has counted yet. It is far above what is there.
	w.routed = append(w.routed, &corev1.ResourceQuota{ObjectMeta: object("compute"), Spec: corev1.ResourceQuotaSpec{Hard: quantities(
		"pods", "2000", "requests.cpu", "4000", "requests.memory", "8000Gi", "services", "500", "persistentvolumeclaims", "500")}})
}

func planted(words ...string) string {
	h := rand.New(rand.NewPCG(sum(words...), 7))
	return fmt.Sprintf("%s-%016x", PlantedSecret, h.Uint64())
}

// sum is a number that stands for words.
func sum(words ...string) uint64 {
	h := uint64(14695981039346656037) // FNV-1a
	for _, b := range []byte(strings.Join(words, "/")) {
		h = (h ^ uint64(b)) * 1099511628211
	}
	return h
}

// addAgents adds DaemonSets, and says how many pods they have.
func (w *content) addAgents(nodes int) int {
	const ns = "platform-agents"
	w.addNamespace(ns, "platform", "prod")
	for _, name := range []string{"node-exporter", "log-shipper"} {
		a := &app{ns: ns, name: name, team: "platform", env: "prod", chart: name + "-4.2.1", r: rand.New(rand.NewPCG(sum(name), 1)), port: 9100}
		a.draw()
		w.configured = append(w.configured, a.settings()...)
		template := a.template("")
		template.Spec.NodeSelector = map[string]string{"node.example.com/agents": "true"}
		template.Spec.Affinity, template.Spec.TopologySpreadConstraints = nil, nil
		template.Spec.Tolerations = []corev1.Toleration{{Operator: corev1.TolerationOpExists}}
		template.Spec.HostNetwork = name == "node-exporter"
		template.Spec.Volumes = append(template.Spec.Volumes, corev1.Volume{Name: "host", VolumeSource: corev1.VolumeSource{HostPath: &corev1.HostPathVolumeSource{Path: "/var/log"}}})
		template.Spec.Containers[0].VolumeMounts = append(template.Spec.Containers[0].VolumeMounts, corev1.VolumeMount{Name: "host", MountPath: "/host", ReadOnly: true})
		if template.Spec.HostNetwork {
			for c := range template.Spec.Containers {
				for p := range template.Spec.Containers[c].Ports {
					template.Spec.Containers[c].Ports[p].HostPort = template.Spec.Containers[c].Ports[p].ContainerPort
				}
			}
		}
		w.running = append(w.running, &appsv1.DaemonSet{ObjectMeta: a.meta(""), Spec: appsv1.DaemonSetSpec{Selector: a.selector(), Template: template}})
		w.workloads++
		w.pods += nodes
		w.ready += nodes
	}
	return 2 * nodes
}

var (
	teams = []string{
		"checkout", "catalog", "payments", "search", "identity", "shipping", "pricing", "orders", "media", "reviews",
		"billing", "inventory", "messaging", "analytics", "support", "loyalty", "tax", "fraud", "returns", "partners",
	}
	envs       = []string{"prod", "staging", "dev"}
	components = []string{
		"api", "web", "worker", "gateway", "scheduler", "consumer", "exporter", "bff", "admin", "indexer", "sync", "cache", "notifier",
		"importer", "router", "auth", "events", "reports", "uploader", "renderer", "webhooks", "proxy", "archiver", "audit",
	}
	stateful = []string{"postgres", "redis", "kafka", "elasticsearch", "rabbitmq", "minio", "mongodb", "etcd"}
	chores   = []string{"migrate", "reindex", "backfill", "seed", "cleanup", "export", "rotate", "backup"}
)

// addTeam adds a namespace with a number of pods.
func (w *content) addTeam(i, pods int) {
	team, env := teams[i%len(teams)], envs[i/len(teams)%len(envs)]
	ns := team + "-" + env
	if round := i / (len(teams) * len(envs)); round > 0 {
		ns = fmt.Sprintf("%s-%d", ns, round+1)
	}
	w.addNamespace(ns, team, env)
	r := rand.New(rand.NewPCG(sum(ns), 42))
	used := map[string]int{}
	named := func(kinds []string) string {
		k := kinds[r.IntN(len(kinds))]
		used[k]++
		if used[k] > 1 {
			return fmt.Sprintf("%s-%s-%d", team, k, used[k])
		}
		return team + "-" + k
	}
	for pods > 0 {
		w.workloads++
		broken := w.workloads%brokenEvery == firstBroken
		if broken {
			w.broken++
		}
		replicas := min(pods, []int{1, 2, 3, 3, 4, 5, 6, 8, 10, 12, 16, 24}[r.IntN(12)])
		if broken {
			replicas = min(replicas, 3)
		}
		a := &app{ns: ns, team: team, env: env, r: r, port: 8080}
		switch kind := r.IntN(100); {
		case kind < 78:
			a.name = named(components)
			a.draw()
			pods -= w.addDeployment(a, replicas, broken)
		case kind < 88:
			a.name = named(stateful)
			a.draw()
			replicas = min(replicas, 3)
			w.addStatefulSet(a, replicas, broken)
			pods -= replicas
		case kind < 94:
			a.name = named(chores)
			a.draw()
			if replicas = min(replicas, 3); broken {
				replicas = 1 // the first failure is the last
			}
			w.addJob(a, replicas, broken)
			pods -= replicas
		default:
			a.name = named(chores)
			a.draw()
			replicas = min(replicas, 3)
			w.addCronJob(a, replicas, broken)
			pods -= replicas
		}
	}
}

// addDeployment adds a Deployment and what comes with one, and says how many pods it will have.
func (w *content) addDeployment(a *app, replicas int, broken bool) int {
	f := fault("")
	if broken {
		f = faultTurns[w.byFault%len(faultTurns)]
		w.byFault++
	}
	w.configured = append(w.configured, a.settings()...)
	d := &appsv1.Deployment{ObjectMeta: a.meta(""), Spec: appsv1.DeploymentSpec{
		Replicas: pointer(int32(replicas)), Selector: a.selector(), Template: a.template(f), RevisionHistoryLimit: pointer(int32(5)),
		Strategy: appsv1.DeploymentStrategy{Type: appsv1.RollingUpdateDeploymentStrategyType, RollingUpdate: &appsv1.RollingUpdateDeployment{
			MaxSurge: pointer(intstr.FromString("25%")), MaxUnavailable: pointer(intstr.FromInt32(0)),
		}},
	}}
	w.running = append(w.running, d)
	w.routed = append(w.routed, a.routes(f, replicas)...)
	switch f {
	case faultNoAdmit:
		return 0
	case "", faultSelector:
		w.ready += replicas
	}
	w.pods += replicas
	return replicas
}

func (w *content) addStatefulSet(a *app, replicas int, broken bool) {
	policy := appsv1.ParallelPodManagement
	if !broken && a.r.IntN(2) == 0 {
		policy = appsv1.OrderedReadyPodManagement
	}
	template := a.template("")
	template.Spec.Containers[0].VolumeMounts = append(template.Spec.Containers[0].VolumeMounts, corev1.VolumeMount{Name: "data", MountPath: "/var/lib/data"})
	class := pointer(scaleClass)
	if broken {
		class = pointer("fast-ssd") // there is no such class
	}
	w.configured = append(w.configured, a.settings()...)
	if !broken {
		for i := range replicas {
			w.configured = append(w.configured, a.volume(i))
		}
		w.ready += replicas
	}
	w.pods += replicas
	w.running = append(w.running, &appsv1.StatefulSet{ObjectMeta: a.meta(""), Spec: appsv1.StatefulSetSpec{
		Replicas: pointer(int32(replicas)), Selector: a.selector(), Template: template, ServiceName: a.name, PodManagementPolicy: policy,
		VolumeClaimTemplates: []corev1.PersistentVolumeClaim{{
			ObjectMeta: metav1.ObjectMeta{Name: "data", Labels: a.match()},
			Spec: corev1.PersistentVolumeClaimSpec{
				AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce}, StorageClassName: class,
				Resources: corev1.VolumeResourceRequirements{Requests: quantities("storage", "20Gi")},
			},
		}},
	}})
	w.routed = append(w.routed, a.routes("", 1)...)
}

func (w *content) addJob(a *app, pods int, broken bool) {
	f := fault("")
	if broken {
		f = faultJob
	}
	w.configured = append(w.configured, a.settings()...)
	w.running = append(w.running, a.job(a.name, f, pods))
	w.pods += pods
	w.done += pods
}

// addCronJob adds a CronJob with the Jobs of its last runs, one pod each.
func (w *content) addCronJob(a *app, runs int, broken bool) {
	w.configured = append(w.configured, a.settings()...)
	f := fault("")
	if broken {
		f = faultJob
	}
	w.running = append(w.running, &cronJobWithRuns{CronJob: a.cronJob(f), app: a, fault: f, runs: runs})
	w.pods += runs
	w.done += runs
}

// cronJobWithRuns is created with the Jobs that the controller would have made, who need its UID.
type cronJobWithRuns struct {
	*batchv1.CronJob
	app   *app
	fault fault
	runs  int
}
