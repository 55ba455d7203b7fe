package storage

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// MountFailed finds pods that wait because the kubelet or the attach controller cannot give them a
// volume, for a reason that no other cause knows better.
var MountFailed = rule.Cause{
	ID: "mount-failed", Title: "a volume cannot be mounted", Doc: rule.ReadDoc(docs, "mount_failed.md"),
	Stage: rule.StageVolume, On: rule.Pods,
	Run: func(p *rule.Pass) {
		if e, name := mountFailure(p); e != nil {
			reportMount(p, e, name)
		}
	},
}

// The words of the kubelet and its volume plugins.
var (
	failedVolume = knowledge.Regexp(`for volume "([^"]+)"`)
	// What mount(8) says where neither the kernel nor a helper of its own knows the kind of file system: no server
	// was asked. Source: util-linux, libmount/src/context_mount.c.
	noClient = knowledge.Regexp(`unknown filesystem type '(\w+)'|(?:bad option|wrong fs type).{0,120}(?:need a|missing) .{0,40}helper program`)
	noDriver = knowledge.Regexp(`driver name (\S+) not found in the list of registered CSI drivers`)
)

// knownElsewhere are parts of messages that causes of their own explain.
var knownElsewhere = []string{
	`configmap "`, `secret "`, "references non-existent", "hostPath type check failed", "Volume is already", "object \"", "unmounted volumes=", "failed to sync",
	"failed to fetch token", "persistentvolumeclaim",
}

// mountFailure is the newest event of a volume that could not be attached or mounted, and the name that
// it gives to the volume.
func mountFailure(p *rule.Pass) (*corev1.Event, string) {
	if !waitsForVolumes(p) {
		return nil, ""
	}
	events := p.EventsOf(p.Object)
	for i := len(events) - 1; i >= 0; i-- {
		e := events[i]
		if e.Reason != "FailedMount" && e.Reason != "FailedAttachVolume" && e.Reason != "FailedMapVolume" {
			continue
		}
		known := false
		for _, part := range knownElsewhere {
			known = known || strings.Contains(e.Message, part)
		}
		if m := failedVolume.FindStringSubmatch(e.Message); m != nil && !known {
			return e, m[1]
		}
	}
	return nil, ""
}

func reportMount(p *rule.Pass, e *corev1.Event, name string) {
	pod, spec := p.Object.Pod(), p.PodSpec()
	at, volume := -1, corev1.Volume{}
	for i, v := range pod.Spec.Volumes {
		c := v.PersistentVolumeClaim
		if v.Name == name || c != nil && boundTo(p, c.ClaimName) == name {
			at, volume = i, v
		}
	}
	f := rule.Finding{
		Object: spec.Object, Seen: p.Object.Ref, Field: spec.Child("volumes").Path, Certainty: rule.Certain,
		Message:  "a volume cannot be mounted, and no container starts without it",
		Label:    "one of these",
		Evidence: []rule.Evidence{rule.EventEvidence(e)},
		Fix:      &rule.Fix{Title: "see what the event says: the volume, its server or its driver is at fault, not the containers", Applicability: rule.NeedsThought},
	}
	f.Evidence[0].Text = e.Reason + ": " + rule.Quote(ending(e.Message))
	if at >= 0 {
		setting := settingOf(p, part{volume: volume.Name, setting: func(s rule.Setting, i int) rule.Setting { return s.Child("volumes").Index(i) }})
		f.Object, f.Field, f.Value = setting.Object, setting.Path, volume.Name
		f.Label = "cannot be mounted"
		f.Message = fmt.Sprintf("volume %q cannot be mounted on node/%s, and no container starts without it", volume.Name, pod.Spec.NodeName)
	}
	switch m := noDriver.FindStringSubmatch(e.Message); {
	case m != nil:
		f.Message = fmt.Sprintf("volume %q needs the storage driver %s, which does not run on node/%s", volume.Name, m[1], pod.Spec.NodeName)
		f.Label = "its driver is not on the node"
		f.Fix = &rule.Fix{Title: fmt.Sprintf("see why the driver %s does not run on node/%s: its DaemonSet, a taint that it does not tolerate, or it was never installed", m[1], pod.Spec.NodeName), Applicability: rule.NeedsThought, Object: snapshot.Ref{APIVersion: "storage.k8s.io/v1", Kind: "CSINode", Name: pod.Spec.NodeName}, Command: []string{"get", "csinode", pod.Spec.NodeName, "-o", "yaml"}}
	case noClient.MatchString(e.Message):
		reportNoClient(p, e, volume, &f)
	case volume.NFS != nil:
		f.Field = f.Field.Child("nfs", "path")
		f.Value = volume.NFS.Path
		f.Message = fmt.Sprintf("node/%s cannot mount %s:%s for volume %q", pod.Spec.NodeName, volume.NFS.Server, volume.NFS.Path, volume.Name)
		f.Label = "this export, of server " + volume.NFS.Server
		f.Fix = &rule.Fix{Title: "see whether the server answers the node, and exports this path to it", Applicability: rule.NeedsThought}
	}
	p.Report(f)
}

// clients are what a node needs for a kind of file system, and the packages that have it.
var clients = map[string]string{
	"nfs": "an NFS client (mount.nfs, of nfs-common or nfs-utils)", "nfs4": "an NFS client (mount.nfs, of nfs-common or nfs-utils)",
	"cifs": "a CIFS client (mount.cifs, of cifs-utils)", "ceph": "a Ceph client (mount.ceph, of ceph-common)", "glusterfs": "a GlusterFS client (mount.glusterfs, of glusterfs-client)",
}

// reportNoClient tells of a node that cannot mount this kind of file system at all.
func reportNoClient(p *rule.Pass, e *corev1.Event, volume corev1.Volume, f *rule.Finding) {
	node := "node/" + p.Object.Pod().Spec.NodeName
	system := noClient.FindStringSubmatch(e.Message)[1]
	if system == "" && volume.NFS != nil {
		system = "nfs"
	}
	client := clients[system]
	if client == "" {
		client = "support for this kind of file system"
		if system != "" {
			client = "support for the file system " + system + " (a module of its kernel)"
		}
	}
	if volume.NFS != nil {
		f.Field, f.Value = f.Field.Child("nfs"), ""
	}
	what, _, _ := strings.Cut(client, " (")
	f.Message = fmt.Sprintf("%s has no %s, and cannot mount volume %q", node, strings.TrimPrefix(strings.TrimPrefix(what, "a "), "an "), volume.Name)
	if volume.Name == "" {
		f.Message = fmt.Sprintf("%s has no %s, and cannot mount a volume of the pod", node, strings.TrimPrefix(strings.TrimPrefix(what, "a "), "an "))
	}
	f.Label = "needs " + client + " on the node"
	f.RuledOut = []string{"the server and what it exports: the node could not ask"}
	f.Fix = &rule.Fix{
		Title: fmt.Sprintf("give %s, and every other node that the pod may go to, %s", node, client), Applicability: rule.NeedsThought,
		Object: snapshot.NodeRef(p.Object.Pod().Spec.NodeName),
	}
}

// boundTo is the volume that a claim is bound to, "" where that was not read.
func boundTo(p *rule.Pass, claim string) string {
	o, _ := p.Lookup(snapshot.PVCKind, p.Object.Namespace, claim)
	if o == nil {
		return ""
	}
	if pvc, ok := o.Typed.(*corev1.PersistentVolumeClaim); ok {
		return pvc.Spec.VolumeName
	}
	return ""
}

// endLetters is how much of a message is kept: what went wrong stands behind all who passed it on.
const endLetters = 150

// ending is the end of a message, or what the mount command wrote.
func ending(message string) string {
	if _, output, ok := strings.Cut(message, "Output: "); ok {
		message = output
	}
	text := []rune(strings.Join(strings.Fields(message), " "))
	if len(text) > endLetters {
		return "..." + string(text[len(text)-endLetters:])
	}
	return string(text)
}
