package storage

import (
	"fmt"
	"regexp"
	"strings"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// PVCProvisionError finds claims whose provisioner tried to make a volume and failed.
var PVCProvisionError = rule.Cause{
	ID: "pvc-provision-error", Title: "the provisioner fails to make the volume", Doc: rule.ReadDoc(docs, "pvc_provision_error.md"),
	Peers: map[string][]string{"popeye": {"POP-1003"}},
	Stage: rule.StageNotScheduled, On: rule.Kinds(snapshot.PVCKind),
	Wants: func(p *rule.Pass) []snapshot.Want {
		if pvc, e := provisionEvent(p); e != nil {
			if class, _ := classOf(pvc); class != "" {
				return []snapshot.Want{snapshot.WantGet(snapshot.StorageClassKind, "", class)}
			}
		}
		return nil
	},
	Run: func(p *rule.Pass) {
		if pvc, e := provisionEvent(p); e != nil {
			reportProvision(p, pvc, e)
		}
	},
}

// provisionEvent is what the provisioner of a claim said last, where it failed; a class that does not exist
// is told by pvc-class-missing.
func provisionEvent(p *rule.Pass) (*corev1.PersistentVolumeClaim, *corev1.Event) {
	pvc := pendingClaim(p)
	if pvc == nil {
		return nil, nil
	}
	e := p.Event(p.Object, "ProvisioningFailed")
	if e == nil || classMissing.MatchString(e.Message) {
		return nil, nil
	}
	return pvc, e
}

// provisionLetters is how much of what a provisioner says is looked at.
const provisionLetters = 2000

// The words of the volume controller and of the CSI provisioner; codes are those of gRPC.
// Source: kubernetes, pv_controller.go; kubernetes-csi/external-provisioner, pkg/controller; CSI specification, CreateVolume.
var (
	rpcError    = knowledge.Regexp(`rpc error: code = (\w+) desc = (.*)`)
	noPlugin    = knowledge.Regexp(`no volume plugin matched name: (\S+)`)
	noTopology  = knowledge.Regexp(`error generating accessibility requirements|no available topology found|no topology key found`)
	noSelector  = knowledge.Regexp(`(?i)claim\.?\s*Spec\.?\s*Selector is not supported`)
	noOptions   = knowledge.Regexp(`(?i)mount options are not supported by the provisioner`)
	noSecret    = knowledge.Regexp(`(?i)(?:failed to get|error getting) secret|secrets? "[^"]*" not found`)
	noRoom      = knowledge.Regexp(`(?i)quota|limit ?exceeded|not enough (?:free )?(?:space|disk)|insufficient (?:capacity|storage|space)|no space left|out of capacity|exceeds? .{0,40}limit`)
	noRights    = knowledge.Regexp(`(?i)unauthorized|access ?denied|not authorized|forbidden|permission denied|authorizationfailed|no valid credential|invalid credential|expiredtoken`)
	unreachable = knowledge.Regexp(`(?i)connection refused|no route to host|i/o timeout|deadline exceeded|no such host|connection reset|tls handshake`)
)

func reportProvision(p *rule.Pass, pvc *corev1.PersistentVolumeClaim, e *corev1.Event) {
	name, _ := classOf(pvc)
	class := storageClass(p, name)
	who := "the provisioner"
	if class != nil && class.Provisioner != "" {
		who = "the provisioner " + class.Provisioner
	}
	text := strings.Join(strings.Fields(e.Message), " ")
	text = text[:min(len(text), provisionLetters)]
	code, said, with := "", text, ""
	if m := rpcError.FindStringSubmatch(text); m != nil {
		code, said, with = m[1], m[2], " ("+m[1]+")"
	} else if _, rest, ok := strings.Cut(text, `": `); ok {
		said = rest
	}
	evidence := rule.EventEvidence(e)
	evidence.Text = e.Reason + with + ": " + rule.Quote(said)
	if n := snapshot.EventCount(e); n > 1 {
		evidence.Text += fmt.Sprintf(" (%d times)", n)
	}
	f := rule.Finding{
		Object: p.Object.Ref, Certainty: rule.Certain, Evidence: []rule.Evidence{evidence},
		NoField:  "the provisioner names no setting",
		Message:  fmt.Sprintf("%s fails to make the volume%s: %s", who, with, rule.Quote(head(said))),
		RuledOut: []string{"a class that is missing, and a provisioner that does not run: it answered"},
		Fix:      &rule.Fix{Title: "see what the provisioner says: it tries again by itself, and the claim needs no change where the reason goes away", Applicability: rule.NeedsThought, Object: p.Object.Ref},
	}
	blameProvision(p, &f, pvc, class, code, text)
	p.Report(f)
}

// blameProvision points at the setting that the provisioner speaks of, as far as its code and words tell.
func blameProvision(p *rule.Pass, f *rule.Finding, pvc *corev1.PersistentVolumeClaim, class *storagev1.StorageClass, code, text string) {
	spec := field.NewPath("spec")
	size := pvc.Spec.Resources.Requests[corev1.ResourceStorage]
	switch {
	case noPlugin.MatchString(text):
		f.RuledOut = nil
		f.Message = fmt.Sprintf("its class has the provisioner %s, which Kubernetes does not have (any more): nobody makes the volume", noPlugin.FindStringSubmatch(text)[1])
		f.NoField = "the class was not read"
		f.Fix.Title, f.Fix.Caution = "claim storage of a class whose driver is there, a CSI driver: those that were built into Kubernetes are gone", again(p)
		if class != nil {
			inClass(f, class, field.NewPath("provisioner"), class.Provisioner, "no such provisioner")
		}
	case noTopology.MatchString(text):
		f.NoField = "where the driver can make volumes is not known: its part on the nodes has not registered"
		f.Message = "the driver does not know where to make the volume: on the nodes in question its part does not run, or none of them is in a zone that the class allows"
		f.Fix.Title = "see that the DaemonSet of the driver runs on the nodes, and that csinode of each names the driver with its topology keys"
		f.Fix.Lines = []string{rule.Kubectl(p.Context, "", "get", "csinodes", "-o", "yaml")}
		if class != nil && len(class.AllowedTopologies) > 0 {
			inClass(f, class, field.NewPath("allowedTopologies"), "", "only here may volumes be made")
		}
	case noSelector.MatchString(text):
		f.Field, f.NoField, f.Label = spec.Child("selector"), "", "a selector chooses among volumes that are there; this provisioner makes new ones"
		f.Fix.Title, f.Fix.Caution = "leave out the selector", again(p)
	case noOptions.MatchString(text):
		if class != nil {
			inClass(f, class, field.NewPath("mountOptions"), "", "this provisioner takes none")
		}
		f.Fix.Title, f.Fix.Caution = "leave out mountOptions: a class cannot be changed, delete it and create it again", "volumes that were made of the class stay as they are"
	case code == "ResourceExhausted", code != "InvalidArgument" && noRoom.MatchString(text):
		f.Field, f.NoField, f.Value, f.Label = spec.Child("resources", "requests", "storage"), "", size.String(), "the storage behind the class has no room for this, or a quota of it is used up"
		f.Fix.Title = "make room, or have the quota of the storage raised: the provisioner tries again by itself. Else ask for less"
		f.Fix.Caution = "to ask for less, " + again(p)
	case code == "OutOfRange":
		f.Field, f.NoField, f.Value, f.Label = spec.Child("resources", "requests", "storage"), "", size.String(), "a size that the storage behind the class does not make"
		f.Fix.Title, f.Fix.Caution = "ask for a size that it makes", again(p)
	case code == "PermissionDenied", code == "Unauthenticated", noRights.MatchString(text):
		f.NoField = "no setting of the claim is to blame: the driver may not do it"
		f.Fix.Title = "give the driver the rights at the cloud or storage that it lacks, or mend its credentials; it tries again by itself"
	case noSecret.MatchString(text):
		if class != nil {
			inClass(f, class, field.NewPath("parameters"), "", "name a Secret that is not there")
		}
		f.Fix.Title = "create the Secret that the class names for its driver; it tries again by itself"
	case pvc.Spec.DataSource != nil && (code == "NotFound" || code == "InvalidArgument" || strings.Contains(text, "data source") || strings.Contains(text, "DataSource")):
		f.Field, f.NoField, f.Value, f.Label = spec.Child("dataSource"), "", pvc.Spec.DataSource.Kind+"/"+pvc.Spec.DataSource.Name, "the volume is to be made from this"
		f.Fix.Title, f.Fix.Caution = "name a snapshot or claim that is there, of a class of the same driver", again(p)
	case code == "InvalidArgument", code == "NotFound", code == "FailedPrecondition":
		if class != nil {
			inClass(f, class, field.NewPath("parameters"), "", "the driver cannot make a volume from these and what the claim asks for")
			if key := parameterIn(class, text); key != "" {
				inClass(f, class, field.NewPath("parameters").Key(key), class.Parameters[key], "the driver speaks of this one")
				f.Seen = p.Object.Ref
			}
		}
		f.Fix.Title = "mend what the message names: mostly parameters of the class, which cannot be changed (delete it and create it again), else the size or access mode of the claim"
		f.Fix.Caution = "volumes that were made of the class stay as they are. For the claim: " + again(p)
	case code == "Unavailable", code == "DeadlineExceeded", code == "Aborted", unreachable.MatchString(text):
		f.NoField = "no setting of the claim is to blame: the storage behind the driver did not answer in time"
		f.Fix.Title = "see whether the driver's controller reaches its storage; it tries again by itself"
	}
}

// parameterIn is the one parameter of the class that a message names, by its key or its value; "" where it names
// none or several.
func parameterIn(class *storagev1.StorageClass, text string) string {
	found := ""
	for key, value := range class.Parameters {
		for _, word := range []string{key, value} {
			if word == "" || !knowledge.Regexp(`(?:^|[\s"'=:(\[])`+regexp.QuoteMeta(word)+`(?:$|[\s"'=:,.)\]])`).MatchString(text) {
				continue
			}
			if found != "" && found != key {
				return ""
			}
			found = key
		}
	}
	return found
}

// inClass points the finding at a field of the storage class.
func inClass(f *rule.Finding, class *storagev1.StorageClass, path *field.Path, value, label string) {
	seen := f.Object
	f.Object = snapshot.Ref{APIVersion: "storage.k8s.io/v1", Kind: "StorageClass", Name: class.Name}
	f.Seen, f.Field, f.NoField, f.Value, f.Label = seen, path, "", value, label
}

// head is the start of what a provisioner says: what failed stands in front, requests and identities follow.
func head(text string) string {
	r := []rune(text)
	if len(r) > endLetters {
		return string(r[:endLetters]) + "..."
	}
	return text
}
