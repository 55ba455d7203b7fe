package testcluster

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	schedulingv1 "k8s.io/api/scheduling/v1"
	storagev1 "k8s.io/api/storage/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/client-go/kubernetes"
)

const (
	scaleClass   = "standard"
	scaleIngress = "nginx"
)

func (w *content) addCluster() {
	w.base = append(w.base,
		&storagev1.StorageClass{
			ObjectMeta:  metav1.ObjectMeta{Name: scaleClass, Annotations: map[string]string{"storageclass.kubernetes.io/is-default-class": "true"}},
			Provisioner: "kubernetes.io/no-provisioner", // volumes are made here, bound to their claims
		},
		&networkingv1.IngressClass{ObjectMeta: metav1.ObjectMeta{Name: scaleIngress}, Spec: networkingv1.IngressClassSpec{Controller: "k8s.io/ingress-nginx"}},
		&schedulingv1.PriorityClass{ObjectMeta: metav1.ObjectMeta{Name: "business-critical"}, Value: 100000, Description: "what customers notice at once"},
	)
}

// app is what a chart of some company would be given to make a workload.
type app struct {
	ns, name, team, env string
	chart               string
	port                int32
	r                   *rand.Rand

	version     string
	cpu, memory string
	limit       string
	sidecar     bool
	init        bool
	critical    bool
	flags       int // how many settings of its own it has
	seconds     int32
	exposed     bool
	scaled      bool
	unguarded   bool // has no PodDisruptionBudget
}

// draw decides what differs between workloads.
func (a *app) draw() {
	r := a.r
	if a.chart == "" {
		a.chart = fmt.Sprintf("service-%d.%d.%d", 2+r.IntN(3), r.IntN(20), r.IntN(10))
	}
	a.version = fmt.Sprintf("%d.%d.%d", 1+r.IntN(4), r.IntN(30), r.IntN(12))
	a.cpu = []string{"50m", "100m", "100m", "200m", "250m"}[r.IntN(5)]
	a.memory = []string{"128Mi", "256Mi", "256Mi", "384Mi", "512Mi"}[r.IntN(5)]
	a.limit = []string{"512Mi", "512Mi", "768Mi", "1Gi"}[r.IntN(4)]
	a.sidecar = r.IntN(100) < 20
	a.init = r.IntN(100) < 15
	a.critical = r.IntN(100) < 15
	a.flags = r.IntN(3)
	a.seconds = int32(10 * (1 + r.IntN(5)))
	a.exposed = r.IntN(100) < 30
	a.scaled = r.IntN(100) < 30
	a.unguarded = r.IntN(100) < 20
}

func (a *app) match() map[string]string {
	return map[string]string{"app.kubernetes.io/name": a.name, "app.kubernetes.io/instance": a.name}
}

func (a *app) selector() *metav1.LabelSelector { return &metav1.LabelSelector{MatchLabels: a.match()} }

func (a *app) labels() map[string]string {
	labels := a.match()
	maps.Copy(labels, map[string]string{
		"app.kubernetes.io/version": a.version, "app.kubernetes.io/managed-by": "Helm", "helm.sh/chart": a.chart, "team": a.team,
	})
	return labels
}

// meta is the metadata of an object that belongs to the app; suffix is added to its name.
func (a *app) meta(suffix string) metav1.ObjectMeta {
	return metav1.ObjectMeta{Namespace: a.ns, Name: a.name + suffix, Labels: a.labels(), Annotations: map[string]string{
		"meta.helm.sh/release-name": a.name, "meta.helm.sh/release-namespace": a.ns,
	}}
}

// settings are what the pods need before they start.
func (a *app) settings() []runtime.Object {
	config := map[string]string{}
	var properties strings.Builder
	for i := range 20 + a.r.IntN(40) {
		fmt.Fprintf(&properties, "%s.feature.%02d.enabled=%t\n%s.feature.%02d.timeout=%ds\n", a.team, i, i%3 == 0, a.team, i, 1+i%30)
	}
	config["application.properties"] = properties.String()
	config["logging.yaml"] = "level: info\nformat: json\nfields:\n  team: " + a.team + "\n  service: " + a.name + "\n"
	for i := range a.flags {
		config[settingName(i)] = fmt.Sprintf("https://%s-%d.%s.svc.cluster.local:8080/v1", a.team, i, a.ns)
	}
	secret := map[string][]byte{}
	for _, key := range []string{"DATABASE_PASSWORD", "API_TOKEN", "SESSION_KEY"} {
		secret[key] = []byte(planted(a.ns, a.name, key))
	}
	return []runtime.Object{
		&corev1.ServiceAccount{ObjectMeta: a.meta("")},
		&corev1.ConfigMap{ObjectMeta: a.meta("-config"), Data: config},
		&corev1.Secret{ObjectMeta: a.meta("-secrets"), Data: secret},
	}
}

func settingName(i int) string {
	words := []string{"UPSTREAM", "CATALOG", "SESSION", "AUDIT", "METRICS", "CACHE", "QUEUE", "GATEWAY", "STORAGE", "BILLING"}
	return fmt.Sprintf("%s_%02d_URL", words[i%len(words)], i)
}

// environment is that of the main container.
func (a *app) environment(f fault) ([]corev1.EnvFromSource, []corev1.EnvVar) {
	config := a.name + "-config"
	from := config
	if f == faultConfig {
		from = a.name + "-settings" // is not there
	}
	field := func(name, path string) corev1.EnvVar {
		return corev1.EnvVar{Name: name, ValueFrom: &corev1.EnvVarSource{FieldRef: &corev1.ObjectFieldSelector{FieldPath: path}}}
	}
	secret := func(key string) corev1.EnvVar {
		return corev1.EnvVar{Name: key, ValueFrom: &corev1.EnvVarSource{SecretKeyRef: &corev1.SecretKeySelector{
			LocalObjectReference: corev1.LocalObjectReference{Name: a.name + "-secrets"}, Key: key,
		}}}
	}
	env := []corev1.EnvVar{
		field("POD_NAME", "metadata.name"), field("NODE_NAME", "spec.nodeName"),
		secret("DATABASE_PASSWORD"), secret("API_TOKEN"),
		{Name: "JAVA_TOOL_OPTIONS", Value: "-XX:MaxRAMPercentage=75 -XX:+ExitOnOutOfMemoryError -Dfile.encoding=UTF-8"},
		{Name: "OTEL_EXPORTER_OTLP_ENDPOINT", Value: "http://otel-collector.observability.svc.cluster.local:4317"},
		{Name: "LOG_LEVEL", Value: "info"},
		{Name: "DATABASE_URL", Value: fmt.Sprintf("postgres://%s@%s-postgres.%s.svc.cluster.local:5432/%s?sslmode=require", a.team, a.team, a.ns, a.team)},
	}
	for i := range a.flags {
		if i%3 == 0 {
			env = append(env, corev1.EnvVar{Name: settingName(i), ValueFrom: &corev1.EnvVarSource{ConfigMapKeyRef: &corev1.ConfigMapKeySelector{
				LocalObjectReference: corev1.LocalObjectReference{Name: config}, Key: settingName(i),
			}}})
			continue
		}
		env = append(env, corev1.EnvVar{Name: fmt.Sprintf("FEATURE_%s_%02d", strings.ToUpper(a.team), i), Value: fmt.Sprint(i%2 == 0)})
	}
	return []corev1.EnvFromSource{{ConfigMapRef: &corev1.ConfigMapEnvSource{LocalObjectReference: corev1.LocalObjectReference{Name: from}}}}, env
}

// template is the pod of the app, broken in one way or in none.
func (a *app) template(f fault) corev1.PodTemplateSpec {
	image := fmt.Sprintf("registry.example.com/%s/%s:%s", a.team, a.name, a.version)
	if f == faultImage {
		image += "-rc9"
	}
	cpu := a.cpu
	if f == faultTooBig {
		cpu = "512"
	}
	account := a.name
	if f == faultNoAdmit {
		account += "-runner" // is not there
	}
	envFrom, env := a.environment(f)
	probe := func(path string, delay, failures int32) *corev1.Probe {
		return &corev1.Probe{
			ProbeHandler:        corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{Path: path, Port: intstr.FromString("http")}},
			InitialDelaySeconds: delay, TimeoutSeconds: 2, PeriodSeconds: 10, FailureThreshold: failures,
		}
	}
	secure := func() *corev1.SecurityContext {
		return &corev1.SecurityContext{
			AllowPrivilegeEscalation: new(bool), ReadOnlyRootFilesystem: pointer(true), Capabilities: &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
		}
	}
	mounts := []corev1.VolumeMount{
		{Name: "config", MountPath: "/etc/app", ReadOnly: true}, {Name: "tmp", MountPath: "/tmp"},
	}
	main := corev1.Container{
		Name: "app", Image: image, ImagePullPolicy: corev1.PullIfNotPresent,
		Args:    []string{"serve", "--config=/etc/app/application.properties", fmt.Sprintf("--listen=:%d", a.port), "--metrics-listen=:9102"},
		Ports:   []corev1.ContainerPort{{Name: "http", ContainerPort: a.port, Protocol: corev1.ProtocolTCP}, {Name: "metrics", ContainerPort: a.port + 1000, Protocol: corev1.ProtocolTCP}},
		EnvFrom: envFrom, Env: env, VolumeMounts: mounts, SecurityContext: secure(),
		Resources:     corev1.ResourceRequirements{Requests: quantities("cpu", cpu, "memory", a.memory), Limits: quantities("memory", a.limit)},
		LivenessProbe: probe("/healthz", 0, 3), ReadinessProbe: probe("/readyz", 0, 3),
	}
	t := corev1.PodTemplateSpec{
		ObjectMeta: metav1.ObjectMeta{Labels: a.labels(), Annotations: map[string]string{
			"checksum/config":      fmt.Sprintf("%064x", sum(a.ns, a.name, "config")),
			"prometheus.io/scrape": "true", "prometheus.io/port": fmt.Sprint(a.port + 1000), "prometheus.io/path": "/metrics",
		}},
		Spec: corev1.PodSpec{
			ServiceAccountName: account, Containers: []corev1.Container{main}, TerminationGracePeriodSeconds: pointer(int64(a.seconds)),
			ImagePullSecrets: []corev1.LocalObjectReference{{Name: "registry"}},
			SecurityContext:  &corev1.PodSecurityContext{RunAsNonRoot: pointer(true), RunAsUser: pointer(int64(10001)), SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault}},
			Volumes: []corev1.Volume{
				{Name: "config", VolumeSource: corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{LocalObjectReference: corev1.LocalObjectReference{Name: a.name + "-config"}}}},
				{Name: "tmp", VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}},
			},
		},
	}
	if a.critical {
		t.Spec.PriorityClassName = "business-critical"
		t.Spec.Containers[0].StartupProbe = probe("/healthz", 5, 30)
		t.Spec.Containers[0].Lifecycle = &corev1.Lifecycle{PreStop: &corev1.LifecycleHandler{Exec: &corev1.ExecAction{Command: []string{"/bin/sh", "-c", "sleep 5"}}}}
		t.Spec.TopologySpreadConstraints = []corev1.TopologySpreadConstraint{{
			MaxSkew: 1, TopologyKey: corev1.LabelTopologyZone, WhenUnsatisfiable: corev1.ScheduleAnyway, LabelSelector: a.selector(),
		}}
	} else if a.exposed {
		t.Spec.Affinity = &corev1.Affinity{PodAntiAffinity: &corev1.PodAntiAffinity{PreferredDuringSchedulingIgnoredDuringExecution: []corev1.WeightedPodAffinityTerm{
			{Weight: 100, PodAffinityTerm: corev1.PodAffinityTerm{LabelSelector: a.selector(), TopologyKey: corev1.LabelHostname}},
		}}}
	}
	if a.sidecar {
		t.Spec.Containers = append(t.Spec.Containers, corev1.Container{
			Name: "proxy", Image: "registry.example.com/platform/proxy:1.31.2", Args: []string{"--config-path=/etc/proxy/proxy.yaml", "--service-cluster=" + a.name},
			Ports:     []corev1.ContainerPort{{Name: "proxy", ContainerPort: a.port + 7000, Protocol: corev1.ProtocolTCP}},
			Env:       []corev1.EnvVar{env[0], env[1], {Name: "CONCURRENCY", Value: "2"}},
			Resources: corev1.ResourceRequirements{Requests: quantities("cpu", "20m", "memory", "64Mi"), Limits: quantities("memory", "256Mi")},
			ReadinessProbe: &corev1.Probe{ProbeHandler: corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{
				Path: "/ready", Port: intstr.FromString("proxy"),
			}}, PeriodSeconds: 5},
			VolumeMounts: mounts[1:], SecurityContext: secure(),
		})
	}
	if a.init || f == faultInit {
		t.Spec.InitContainers = []corev1.Container{{
			Name: "wait-for-database", Image: image, Args: []string{"wait", "--for=database", "--timeout=60s"}, EnvFrom: envFrom, Env: env[:4],
			Resources: main.Resources, VolumeMounts: mounts[:1], SecurityContext: secure(),
		}}
	}
	switch f {
	case "", faultTooBig, faultNoAdmit, faultSelector: // not kwok's
	case faultNoClaim:
		t.Spec.Volumes = append(t.Spec.Volumes, corev1.Volume{Name: "data", VolumeSource: corev1.VolumeSource{
			PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: a.name + "-data"}, // is not there
		}})
		t.Spec.Containers[0].VolumeMounts = append(mounts[:len(mounts):len(mounts)], corev1.VolumeMount{Name: "data", MountPath: "/var/lib/data"})
	default:
		t.Annotations[faultAnnotation] = string(f)
	}
	return t
}

// routes are what leads to the pods, and what scales and guards them.
func (a *app) routes(f fault, replicas int) []runtime.Object {
	selects := a.match()
	if f == faultSelector {
		selects["app.kubernetes.io/name"] += "-v2"
	}
	objects := []runtime.Object{&corev1.Service{ObjectMeta: a.meta(""), Spec: corev1.ServiceSpec{Selector: selects, Ports: []corev1.ServicePort{
		{Name: "http", Port: 80, TargetPort: intstr.FromString("http")}, {Name: "metrics", Port: 9102, TargetPort: intstr.FromString("metrics")},
	}}}}
	if replicas > 1 && !a.unguarded {
		objects = append(objects, &policyv1.PodDisruptionBudget{ObjectMeta: a.meta(""), Spec: policyv1.PodDisruptionBudgetSpec{
			MaxUnavailable: pointer(intstr.FromInt32(1)), Selector: a.selector(),
		}})
	}
	if replicas > 1 && a.scaled {
		n := int32(replicas)
		now := metav1.NewTime(time.Now())
		current := autoscalingv2.MetricStatus{Type: autoscalingv2.ResourceMetricSourceType, Resource: &autoscalingv2.ResourceMetricStatus{
			Name: corev1.ResourceCPU, Current: autoscalingv2.MetricValueStatus{AverageUtilization: pointer(int32(55))},
		}}
		objects = append(objects, &autoscalingv2.HorizontalPodAutoscaler{
			ObjectMeta: a.meta(""),
			Spec: autoscalingv2.HorizontalPodAutoscalerSpec{
				ScaleTargetRef: autoscalingv2.CrossVersionObjectReference{APIVersion: "apps/v1", Kind: "Deployment", Name: a.name},
				MinReplicas:    pointer(max(1, n-2)), MaxReplicas: 2 * n,
				Metrics: []autoscalingv2.MetricSpec{{Type: autoscalingv2.ResourceMetricSourceType, Resource: &autoscalingv2.ResourceMetricSource{
					Name: corev1.ResourceCPU, Target: autoscalingv2.MetricTarget{Type: autoscalingv2.UtilizationMetricType, AverageUtilization: pointer(int32(70))},
				}}},
			},
			Status: autoscalingv2.HorizontalPodAutoscalerStatus{
				CurrentReplicas: n, DesiredReplicas: n, CurrentMetrics: []autoscalingv2.MetricStatus{current},
				Conditions: []autoscalingv2.HorizontalPodAutoscalerCondition{
					{Type: autoscalingv2.AbleToScale, Status: corev1.ConditionTrue, Reason: "ReadyForNewScale", Message: "recommended size matches current size", LastTransitionTime: now},
					{Type: autoscalingv2.ScalingActive, Status: corev1.ConditionTrue, Reason: "ValidMetricFound", Message: "the HPA was able to successfully calculate a replica count from cpu resource utilization (percentage of request)", LastTransitionTime: now},
					{Type: autoscalingv2.ScalingLimited, Status: corev1.ConditionFalse, Reason: "DesiredWithinRange", Message: "the desired count is within the acceptable range", LastTransitionTime: now},
				},
			},
		})
	}
	if a.exposed {
		prefix, host := networkingv1.PathTypePrefix, fmt.Sprintf("%s.%s.example.com", a.name, a.env)
		objects = append(objects, &corev1.Secret{ObjectMeta: a.meta("-tls"), Type: corev1.SecretTypeTLS, Data: map[string][]byte{
			corev1.TLSCertKey: []byte("a certificate"), corev1.TLSPrivateKeyKey: []byte(planted(a.ns, a.name, "tls.key")),
		}})
		objects = append(objects, &networkingv1.Ingress{ObjectMeta: a.meta(""), Spec: networkingv1.IngressSpec{
			IngressClassName: pointer(scaleIngress),
			TLS:              []networkingv1.IngressTLS{{Hosts: []string{host}, SecretName: a.name + "-tls"}},
			Rules: []networkingv1.IngressRule{{Host: host, IngressRuleValue: networkingv1.IngressRuleValue{HTTP: &networkingv1.HTTPIngressRuleValue{
				Paths: []networkingv1.HTTPIngressPath{{Path: "/", PathType: &prefix, Backend: networkingv1.IngressBackend{
					Service: &networkingv1.IngressServiceBackend{Name: a.name, Port: networkingv1.ServiceBackendPort{Name: "http"}},
				}}},
			}}}},
		}})
	}
	return objects
}

// volume is what a pod of a StatefulSet will claim.
func (a *app) volume(i int) *corev1.PersistentVolume {
	claim := fmt.Sprintf("data-%s-%d", a.name, i)
	return &corev1.PersistentVolume{
		ObjectMeta: metav1.ObjectMeta{Name: "pv-" + a.ns + "-" + claim},
		Spec: corev1.PersistentVolumeSpec{
			Capacity: quantities("storage", "20Gi"), AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce},
			StorageClassName: scaleClass, ClaimRef: &corev1.ObjectReference{Kind: "PersistentVolumeClaim", APIVersion: "v1", Namespace: a.ns, Name: claim},
			PersistentVolumeReclaimPolicy: corev1.PersistentVolumeReclaimRetain,
			PersistentVolumeSource:        corev1.PersistentVolumeSource{CSI: &corev1.CSIPersistentVolumeSource{Driver: "ebs.csi.aws.com", VolumeHandle: fmt.Sprintf("vol-%016x", sum(a.ns, claim))}},
		},
	}
}

func (a *app) jobSpec(f fault, pods int) batchv1.JobSpec {
	t := a.template(f)
	t.Spec.RestartPolicy = corev1.RestartPolicyNever
	t.Spec.TopologySpreadConstraints, t.Spec.Affinity = nil, nil
	c := &t.Spec.Containers[0]
	c.LivenessProbe, c.ReadinessProbe, c.StartupProbe, c.Lifecycle = nil, nil, nil, nil
	t.Spec.Containers = t.Spec.Containers[:1] // a sidecar would never let it end
	return batchv1.JobSpec{
		Template: t, Completions: pointer(int32(pods)), Parallelism: pointer(int32(pods)), BackoffLimit: pointer(int32(0)), ActiveDeadlineSeconds: pointer(int64(24 * 3600)),
	}
}

func (a *app) job(name string, f fault, pods int) *batchv1.Job {
	j := &batchv1.Job{ObjectMeta: a.meta(""), Spec: a.jobSpec(f, pods)}
	j.Name = name
	return j
}

func (a *app) cronJob(f fault) *batchv1.CronJob {
	return &batchv1.CronJob{ObjectMeta: a.meta(""), Spec: batchv1.CronJobSpec{
		Schedule: fmt.Sprintf("%d %d * * *", a.r.IntN(60), a.r.IntN(24)), ConcurrencyPolicy: batchv1.ForbidConcurrent,
		SuccessfulJobsHistoryLimit: pointer(int32(3)), FailedJobsHistoryLimit: pointer(int32(3)),
		JobTemplate: batchv1.JobTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: a.labels()}, Spec: a.jobSpec(f, 1)},
	}}
}

// creates is a client of one kind.
type creates[T any] interface {
	Create(context.Context, T, metav1.CreateOptions) (T, error)
}

// updates is one of a kind whose status is written here.
type updates[T any] interface {
	creates[T]
	UpdateStatus(context.Context, T, metav1.UpdateOptions) (T, error)
}

func createWith[T any](ctx context.Context, in creates[T], o T) error {
	_, err := in.Create(ctx, o, metav1.CreateOptions{})
	return err
}

// createStatus creates an object, and then writes its status, which Create drops.
func createStatus[T any](ctx context.Context, in updates[T], o T, status func(from, to T)) (T, error) {
	made, err := in.Create(ctx, o, metav1.CreateOptions{})
	if err != nil {
		return made, err
	}
	status(o, made)
	return in.UpdateStatus(ctx, made, metav1.UpdateOptions{})
}

// create creates any object of a content.
func create(ctx context.Context, c kubernetes.Interface, object runtime.Object) error {
	switch o := object.(type) {
	case *corev1.Node:
		return createWith(ctx, c.CoreV1().Nodes(), o)
	case *corev1.Namespace:
		return createWith(ctx, c.CoreV1().Namespaces(), o)
	case *corev1.PersistentVolume:
		return createWith(ctx, c.CoreV1().PersistentVolumes(), o)
	case *corev1.ServiceAccount:
		return createWith(ctx, c.CoreV1().ServiceAccounts(o.Namespace), o)
	case *corev1.Secret:
		return createWith(ctx, c.CoreV1().Secrets(o.Namespace), o)
	case *corev1.ConfigMap:
		return createWith(ctx, c.CoreV1().ConfigMaps(o.Namespace), o)
	case *corev1.Service:
		return createWith(ctx, c.CoreV1().Services(o.Namespace), o)
	case *corev1.LimitRange:
		return createWith(ctx, c.CoreV1().LimitRanges(o.Namespace), o)
	case *corev1.ResourceQuota:
		return createWith(ctx, c.CoreV1().ResourceQuotas(o.Namespace), o)
	case *networkingv1.NetworkPolicy:
		return createWith(ctx, c.NetworkingV1().NetworkPolicies(o.Namespace), o)
	case *networkingv1.Ingress:
		return createWith(ctx, c.NetworkingV1().Ingresses(o.Namespace), o)
	case *networkingv1.IngressClass:
		return createWith(ctx, c.NetworkingV1().IngressClasses(), o)
	case *storagev1.StorageClass:
		return createWith(ctx, c.StorageV1().StorageClasses(), o)
	case *schedulingv1.PriorityClass:
		return createWith(ctx, c.SchedulingV1().PriorityClasses(), o)
	case *policyv1.PodDisruptionBudget:
		return createWith(ctx, c.PolicyV1().PodDisruptionBudgets(o.Namespace), o)
	case *appsv1.Deployment:
		return createWith(ctx, c.AppsV1().Deployments(o.Namespace), o)
	case *appsv1.StatefulSet:
		return createWith(ctx, c.AppsV1().StatefulSets(o.Namespace), o)
	case *appsv1.DaemonSet:
		return createWith(ctx, c.AppsV1().DaemonSets(o.Namespace), o)
	case *batchv1.Job:
		return createWith(ctx, c.BatchV1().Jobs(o.Namespace), o)
	case *cronJobWithRuns:
		return o.create(ctx, c)
	case *autoscalingv2.HorizontalPodAutoscaler:
		_, err := createStatus(ctx, c.AutoscalingV2().HorizontalPodAutoscalers(o.Namespace), o,
			func(from, to *autoscalingv2.HorizontalPodAutoscaler) { to.Status = from.Status })
		return err
	}
	return fmt.Errorf("nobody creates a %T", object)
}

// create does what the controller would: it ran once a day until now.
func (o *cronJobWithRuns) create(ctx context.Context, c kubernetes.Interface) error {
	last := time.Now().UTC().Truncate(24 * time.Hour)
	o.Status.LastScheduleTime = pointer(metav1.NewTime(last))
	if o.fault == "" {
		o.Status.LastSuccessfulTime = pointer(metav1.NewTime(last.Add(time.Minute)))
	}
	owner, err := createStatus(ctx, c.BatchV1().CronJobs(o.Namespace), o.CronJob, func(from, to *batchv1.CronJob) { to.Status = from.Status })
	if err != nil {
		return err
	}
	for i := range o.runs {
		at := last.AddDate(0, 0, -i).Unix() / 60
		j := o.app.job(fmt.Sprintf("%s-%d", o.app.name, at), o.fault, 1)
		j.OwnerReferences = []metav1.OwnerReference{*metav1.NewControllerRef(owner, batchv1.SchemeGroupVersion.WithKind("CronJob"))}
		if err := createWith(ctx, c.BatchV1().Jobs(o.Namespace), j); err != nil {
			return err
		}
	}
	return nil
}
