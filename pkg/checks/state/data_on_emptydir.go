package state

import (
	"fmt"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// DataOnEmptyDir finds databases whose files go with the pod.
var DataOnEmptyDir = rule.Check{
	ID: "data-on-emptydir", Title: "a database whose data goes with its pod", Doc: rule.ReadDoc(docs, "data_on_emptydir.md"),
	Dimension: rule.State, Severity: rule.High, On: rule.Workloads,
	Applies: func(p *rule.Pass) bool { return len(databasesOf(p, p.Object)) > 0 },
	Run: func(p *rule.Pass) {
		for _, d := range databasesOf(p, p.Object) {
			judgeData(p, d)
		}
	},
}

// server is a container that runs a database.
type server struct {
	snapshot.Container
	template snapshot.Template
	db       *knowledge.Database
	guessed  bool // by where its files lie, and not by its image
}

// databasesOf are the databases of an object that are to keep what is written into them.
func databasesOf(p *rule.Pass, o *snapshot.Object) []server {
	switch o.GroupKind() {
	case snapshot.JobKind, snapshot.CronJobKind, snapshot.DaemonSetKind:
		return nil
	}
	if knowledge.SystemNamespace(o.Namespace) {
		return nil
	}
	var list []server
	for _, t := range o.Templates {
		if t.Spec.RestartPolicy != "" && t.Spec.RestartPolicy != corev1.RestartPolicyAlways {
			continue
		}
		for _, c := range t.Containers() {
			if c.Init {
				continue
			}
			db := knowledge.DatabaseOf(c.Image, c.Command, c.Args)
			if db != nil && !keepsNothing(db, c) && (!db.Cache || persists(p, o.Namespace, t, c)) {
				list = append(list, server{c, t, db, false})
			} else if db = ownImage(t, c); db != nil {
				list = append(list, server{c, t, db, true})
			}
		}
	}
	return list
}

// homes are the folders that only one database uses, and the port on which it listens. Source: as of knowledge's databases.
var homes = []struct {
	folder, image string
	port          int32
}{
	{"/var/lib/postgresql", "postgres", 5432}, {"/var/lib/mysql", "mysql", 3306}, {"/data/db", "mongo", 27017},
	{"/var/lib/cassandra", "cassandra", 9042}, {"/var/lib/rabbitmq", "rabbitmq", 5672},
}

// ownImage is the database that an image of any name brings along: it listens on the port of one, and an emptyDir is
// mounted where that keeps its files; nil for none.
func ownImage(t snapshot.Template, c snapshot.Container) *knowledge.Database {
	for _, h := range homes {
		if !slices.ContainsFunc(c.Ports, func(port corev1.ContainerPort) bool { return port.ContainerPort == h.port }) {
			continue
		}
		if slices.ContainsFunc(c.VolumeMounts, func(m corev1.VolumeMount) bool {
			v := volumeOf(t, m.Name)
			return v != nil && v.EmptyDir != nil && within(m.MountPath, h.folder)
		}) {
			return knowledge.DatabaseOf(h.image, nil, nil)
		}
	}
	return nil
}

// keepsNothing tells members of a database that hold no data: arbiters, routers and coordinators.
func keepsNothing(db *knowledge.Database, c snapshot.Container) bool {
	for _, e := range c.Env {
		switch e.Name {
		case "MONGODB_REPLICA_SET_MODE":
			return e.Value == "arbiter" || e.Value == "hidden"
		case "MONGODB_SHARDING_MODE":
			return e.Value == "mongos"
		case "node.data":
			return e.Value == "false"
		case "node.roles", "ELASTICSEARCH_NODE_ROLES", "OPENSEARCH_NODE_ROLES":
			return db.Name != "MongoDB" && e.ValueFrom == nil && !strings.Contains(e.Value, "data") && !strings.Contains(e.Value, "master") && !strings.Contains(e.Value, "cluster_manager")
		}
	}
	return false
}

// persists tells whether a cache is told to keep what it holds.
func persists(p *rule.Pass, namespace string, t snapshot.Template, c snapshot.Container) bool {
	words := strings.Join(slices.Concat(c.Command, c.Args), " ")
	if aof(words) {
		return true
	}
	for _, e := range c.Env {
		if (e.Name == "REDIS_AOF_ENABLED" || e.Name == "VALKEY_AOF_ENABLED") && e.Value == "yes" || e.Name == "REDIS_ARGS" && aof(e.Value) {
			return true
		}
	}
	for _, m := range c.VolumeMounts {
		v := volumeOf(t, m.Name)
		if v == nil || v.ConfigMap == nil {
			continue
		}
		o, _ := p.Lookup(snapshot.ConfigMapKind, namespace, v.ConfigMap.Name)
		if o == nil {
			continue
		}
		if cm, ok := o.Typed.(*corev1.ConfigMap); ok {
			for _, text := range cm.Data {
				if aof(text) {
					return true
				}
			}
		}
	}
	return false
}

var aofWords = knowledge.Regexp(`(?m)(?:^|[\s"'])(?:--)?appendonly[\s"',=]+yes\b`)

func aof(text string) bool { return strings.Contains(text, "appendonly") && aofWords.MatchString(text) }

func volumeOf(t snapshot.Template, name string) *corev1.Volume {
	i := slices.IndexFunc(t.Spec.Volumes, func(v corev1.Volume) bool { return v.Name == name })
	if i < 0 {
		return nil
	}
	return &t.Spec.Volumes[i]
}

// folders are where a container's database keeps its files: where it is told to, or where its images do.
func folders(db *knowledge.Database, c snapshot.Container) []string {
	for _, e := range c.Env {
		if slices.Contains(db.FolderIn, e.Name) && strings.HasPrefix(e.Value, "/") {
			return []string{e.Value}
		}
	}
	return db.Folders
}

// keepsData tells whether a mount holds files of the database, as far as is known.
func keepsData(db *knowledge.Database, c snapshot.Container, mountPath string) bool {
	return slices.ContainsFunc(folders(db, c), func(f string) bool { return within(f, mountPath) || within(mountPath, f) })
}

// within tells whether a path is another one, or below it.
func within(path, above string) bool {
	path, above = strings.TrimRight(path, "/"), strings.TrimRight(above, "/")
	return path == above || strings.HasPrefix(path, above+"/")
}

func judgeData(p *rule.Pass, d server) {
	var gone *corev1.VolumeMount
	for i := range d.VolumeMounts {
		m := &d.VolumeMounts[i]
		if claimTemplate(p.Object, m.Name) {
			return
		}
		v := volumeOf(d.template, m.Name)
		switch {
		case v == nil: // the API refuses it, or an operator adds it
			return
		case v.EmptyDir != nil:
			if keepsData(d.db, d.Container, m.MountPath) {
				gone = m
			}
		case v.ConfigMap != nil, v.Secret != nil, v.Projected != nil, v.DownwardAPI != nil, v.Image != nil:
		case v.Ephemeral != nil: // a claim, and it goes with the pod
			if keepsData(d.db, d.Container, m.MountPath) {
				gone = m
			}
		case v.HostPath != nil && settings(v.HostPath.Path):
		default:
			return // something that stays is mounted; what for, only its owner knows
		}
	}
	f := rule.Finding{Seen: p.Object.In(d.Name)}
	if d.guessed {
		f.Certainty = rule.Likely
	}
	if d.db.Name == "RabbitMQ" { // what is on its way is lost, and most senders send it again
		f.Severity = rule.Medium
	}
	fix := rule.Fix{
		Title:         "keep the data in a PersistentVolumeClaim: a StatefulSet with volumeClaimTemplates, or the operator of " + d.db.Name,
		Applicability: rule.Placeholders, Caution: "what is in the running pod now is lost with it: dump it first",
		YAML: claimSnippet(d),
	}
	if gone == nil {
		f.Field, f.Label = d.Path.Child("volumeMounts"), "nothing here keeps the data"
		f.Message = fmt.Sprintf("%s of container %q has no volume for its data: all of it is gone when the container restarts", d.db.Name, d.Name)
		p.Report(f).WithFix(fix)
		return
	}
	i := slices.IndexFunc(d.template.Spec.Volumes, func(v corev1.Volume) bool { return v.Name == gone.Name })
	volume := d.template.SpecPath().Child("volumes").Index(i)
	kind, what := "emptyDir", "an emptyDir"
	if d.template.Spec.Volumes[i].Ephemeral != nil {
		kind, what = "ephemeral", "a claim that is made and deleted with its pod"
	}
	f.Field, f.Label = volume.Child(kind), "is deleted with the pod"
	f.Marks = []rule.Mark{{Field: mountOf(d, gone.Name), Label: "the data of " + d.db.Name}}
	f.Message = fmt.Sprintf("%s of container %q keeps its data in volume %q, %s: all of it is gone when the pod is replaced", d.db.Name, d.Name, gone.Name, what)
	if sts, ok := p.Object.Typed.(*appsv1.StatefulSet); ok {
		if p.Files && len(sts.Spec.VolumeClaimTemplates) == 0 { // claim templates cannot be added to what exists
			fix.Patch = p.Drop(volume).And(p.Put(field.NewPath("spec", "volumeClaimTemplates"), []any{claimTemplateFor(gone.Name)}))
		}
		fix.YAML = "spec:\n" + templateSnippet(gone.Name)
		fix.Title = "give each pod a claim: volumeClaimTemplates in the place of the volume"
		p.Report(f).WithFix(fix)
		return
	}
	fix.Patch = p.Drop(volume.Child(kind)).And(p.Put(volume.Child("persistentVolumeClaim"), map[string]any{"claimName": "<CLAIM>"}))
	fix.Command = p.Live(fix.Patch)
	fix.YAML = fmt.Sprintf("volumes:\n- name: %s\n  persistentVolumeClaim:\n    claimName: <CLAIM>\n", gone.Name)
	p.Report(f).WithFix(fix)
}

// settings tells folders of the node that hold its settings, and no data: people mount its time zone.
func settings(path string) bool {
	return within(path, "/etc") || within(path, "/usr/share/zoneinfo") || within(path, "/sys") || within(path, "/dev")
}

func mountOf(d server, volume string) *field.Path {
	i := slices.IndexFunc(d.VolumeMounts, func(m corev1.VolumeMount) bool { return m.Name == volume })
	return d.Path.Child("volumeMounts").Index(i).Child("mountPath")
}

// claimTemplateFor is a claim template for a volume of this name.
func claimTemplateFor(volume string) map[string]any {
	return map[string]any{"metadata": map[string]any{"name": volume}, "spec": map[string]any{
		"accessModes": []any{string(corev1.ReadWriteOnce)}, "resources": map[string]any{"requests": map[string]any{"storage": "<SIZE>"}},
	}}
}

func templateSnippet(volume string) string {
	return fmt.Sprintf("  volumeClaimTemplates:\n  - metadata:\n      name: %s\n    spec:\n      accessModes: [ReadWriteOnce]\n      resources:\n        requests:\n          storage: <SIZE>\n", volume)
}

// claimSnippet is what a StatefulSet needs to keep the data.
func claimSnippet(d server) string {
	return fmt.Sprintf("spec:\n  template:\n    spec:\n      containers:\n      - name: %s\n        volumeMounts:\n        - name: data\n          mountPath: %s\n"+
		"%s", d.Name, folders(d.db, d.Container)[0], templateSnippet("data"))
}
