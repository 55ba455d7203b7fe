package exits

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// PermissionDeniedVolume finds programs that end because their user may not use a volume.
var PermissionDeniedVolume = logCause("permission-denied-volume", "its user may not read or write in a volume", "permission_denied_volume.md", wantsOfDenied, reportDenied)

var (
	deniedWords = knowledge.Regexp(`(?i)permission denied|\bEACCES\b|AccessDeniedException`)
	javaDenied  = knowledge.Regexp(`AccessDeniedException: (/\S+)`)
)

var deniedReading = reading{
	words: deniedWords,
	read: func(lines []string, at int, exit int32) *reason {
		line, words := lines[at], deniedWords
		if m := javaDenied.FindStringSubmatch(line); m != nil {
			return &reason{cause: "permission-denied-volume", what: m[1]}
		}
		if node.MatchString(line) {
			words = node
		}
		r := &reason{cause: "permission-denied-volume", what: pathBy(line, words)}
		if r.what == "" {
			return nil
		}
		if exit == 126 {
			r.cause = "entrypoint-not-executable"
		}
		return r
	},
}

func wantsOfDenied(p *rule.Pass, c snapshot.Container, e *ended) []snapshot.Want {
	m := mountAt(c, e.what)
	if m == nil || e.more != "" {
		return nil
	}
	if v := volumeOf(p, m.Name); v != nil && v.PersistentVolumeClaim != nil {
		return []snapshot.Want{snapshot.WantGet(snapshot.PVCKind, p.Object.Namespace, v.PersistentVolumeClaim.ClaimName)}
	}
	return nil
}

func reportDenied(p *rule.Pass, c snapshot.Container, e *ended) {
	m := mountAt(c, e.what)
	if m == nil || e.more != "" {
		return // a file of the image, or want of a capability: user-lacks-rights tells of both
	}
	volume := volumeOf(p, m.Name)
	user, setting := runsAs(p, c)
	if user != nil && *user == 0 {
		return // root is refused by the storage (an export that squashes root), not by the modes of files
	}
	f := e.finding(p, c)
	who := "the user of its image"
	if user != nil {
		who = fmt.Sprintf("user %d", *user)
		f.Marks = append(f.Marks, rule.Mark{Field: setting.Path, Label: "the program runs as this user"})
	} else {
		f.Certainty = rule.Possible
	}
	f.Message = fmt.Sprintf("%s may not use %s in volume %s, mounted at %s", who, e.what, m.Name, m.MountPath)
	pointAtMount(p, c, m, &f, "the files below belong to somebody else")
	f.RuledOut = append(f.RuledOut, fmt.Sprintf("a file of the image: %s lies in a volume", e.what))
	group := groupOf(p)
	switch {
	case volume != nil && volume.HostPath != nil:
		f.Message += "; it is a folder of the node, whose owner no setting of the pod changes"
		f.Fix = &rule.Fix{
			Title:         fmt.Sprintf("give the folder %s on the node to that user, or use another kind of volume", volume.HostPath.Path),
			Caution:       "a pod that runs as root could do it too, and would have rights on the node that few pods should have",
			Applicability: rule.NeedsThought,
		}
	case group != nil:
		f.Certainty = rule.Possible
		switch kind := ofKubelet(volume); {
		case kind != "":
			f.Message += fmt.Sprintf("; fsGroup %d is set and holds for %s: did another container make it for its own user alone?", *group, kind)
		case volume != nil && volume.NFS != nil:
			f.Message += fmt.Sprintf("; fsGroup %d is set, and the kubelet leaves the files of an NFS server as they are", *group)
		default:
			f.Message += fmt.Sprintf("; fsGroup %d is set, which this kind of storage may not honour", *group)
		}
		f.Fix = &rule.Fix{Title: "see who owns the file, and give it to the user or to the group", Applicability: rule.NeedsThought,
			Lines: []string{p.Line("debug", p.Object.Name, "-it", "--target="+c.Name, "--image=busybox", "--profile=general")}}
	default:
		f.Message += ", and no fsGroup gives them to a group of its own"
		f.Fix = groupFix(p, c, user)
	}
	f.Message += e.ends()
	p.Report(f)
}

// ofKubelet words a volume whose files the kubelet makes itself, and gives to fsGroup; "" for others.
// Source: kubelet's volume plugins, SetVolumeOwnership.
func ofKubelet(v *corev1.Volume) string {
	switch {
	case v == nil:
		return ""
	case v.EmptyDir != nil:
		return "an emptyDir"
	case v.ConfigMap != nil:
		return "a ConfigMap"
	case v.Secret != nil:
		return "a Secret"
	case v.Projected != nil:
		return "a projected volume"
	case v.DownwardAPI != nil:
		return "a downward API volume"
	}
	return ""
}

func groupOf(p *rule.Pass) *int64 {
	if sc := p.Object.Pod().Spec.SecurityContext; sc != nil {
		return sc.FSGroup
	}
	return nil
}

// groupFix gives the files of the pod's volumes to a group: any will do, and the one of the program's
// user or group is the plainest.
func groupFix(p *rule.Pass, c snapshot.Container, user *int64) *rule.Fix {
	spec := p.PodSpec()
	fix := rule.Fix{
		Title:         "have the volume's files given to a group that the program is in",
		Caution:       "the kubelet changes the group of all files when it mounts the volume, which takes long with many of them (fsGroupChangePolicy: OnRootMismatch does so once); a local volume that an old pod still uses keeps its group until that pod is gone",
		Applicability: rule.NeedsThought,
	}
	var group any = "<GROUP>"
	switch run := runsInGroup(p, c); {
	case run != nil:
		group = *run
	case user != nil:
		group = *user
	default:
		fix.Applicability = rule.Placeholders
	}
	own := podSpecOf(p, spec.Object)
	if own == nil {
		fix.YAML = fmt.Sprintf("securityContext:\n  fsGroup: %v\n", group)
		fix.Object = spec.Object
		return &fix
	}
	return patched(p, spec.Object, putContext(spec.Child("securityContext"), own.SecurityContext != nil, "fsGroup", nil, group), fix)
}

func runsInGroup(p *rule.Pass, c snapshot.Container) *int64 {
	if sc := c.SecurityContext; sc != nil && sc.RunAsGroup != nil && *sc.RunAsGroup != 0 {
		return sc.RunAsGroup
	}
	if sc := p.Object.Pod().Spec.SecurityContext; sc != nil && sc.RunAsGroup != nil && *sc.RunAsGroup != 0 {
		return sc.RunAsGroup
	}
	return nil
}

func commonDir(dir string) bool { return knowledge.CommonWritable(dir) }
