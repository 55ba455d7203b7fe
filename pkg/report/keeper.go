package report

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// itself is where an object that its controller keeps has to be changed: in the controller.
const itself = "itself"

// keeperOf is who keeps an object as it is: a tool of delivery, or its controller.
func keeperOf(o *snapshot.Object) knowledge.Keeper {
	k := knowledge.KeeperOf(o.Meta.GetLabels(), o.Meta.GetAnnotations())
	if owner := metav1.GetControllerOfNoCopy(o.Meta); k.Tool == "" && owner != nil {
		ref := snapshot.Ref{APIVersion: owner.APIVersion, Kind: owner.Kind, Name: owner.Name}
		return knowledge.Keeper{Tool: ref.String(), Where: itself, Undoes: true}
	}
	return k
}

// lasting says where an object has to be changed for the change to last; "" where it lasts by itself.
func lasting(k knowledge.Keeper) string {
	switch {
	case k.Tool == "":
		return ""
	case k.Undoes && k.Where == "":
		return k.Tool + " keeps this object and would undo a command: change it where " + k.Tool + " takes it from"
	case k.Where == itself:
		return k.Tool + " keeps this object and would undo a command: change it there"
	case k.Undoes:
		return k.Tool + " keeps this object and would undo a command: change it where its " + k.Where + " takes it from"
	case k.Where == "":
		return k.Tool + " manages this object: change the chart's values too, or the next upgrade undoes it"
	}
	return k.Tool + " manages this object: change the values of " + k.Where + " too, or the next upgrade undoes it"
}
