package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	extensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	extensions "k8s.io/apiextensions-apiserver/pkg/client/clientset/clientset"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/openapi3"
	"k8s.io/client-go/restmapper"
)

// definitionChecks are about kinds that a program brings along.
var definitionChecks = []check{
	{"definitions: objects are validated, defaulted and pruned", customObjects},
	{"definitions: status, scale and generation of custom objects", customStatus},
	{"definitions: server-side apply of custom objects merges by their schema", customApply},
	{"definitions: a new kind is discovered, and goes with its definition", customDiscovery},
	{"definitions: one that is not structural is refused", badDefinition},
}

// gardens defines a kind in a group of its own, so that checks do not meet.
func gardens(group string) *extensionsv1.CustomResourceDefinition {
	text := extensionsv1.JSONSchemaProps{Type: "string"}
	properties := func(of map[string]extensionsv1.JSONSchemaProps) extensionsv1.JSONSchemaProps {
		return extensionsv1.JSONSchemaProps{Type: "object", Properties: of}
	}
	condition := properties(map[string]extensionsv1.JSONSchemaProps{
		"type": text, "status": text, "reason": text, "message": text,
		"lastTransitionTime": {Type: "string", Format: "date-time"}, "observedGeneration": {Type: "integer", Format: "int64"},
	})
	condition.Required = []string{"type", "status"}
	bed := properties(map[string]extensionsv1.JSONSchemaProps{"name": text, "plant": text})
	bed.Required = []string{"name"}
	spec := properties(map[string]extensionsv1.JSONSchemaProps{
		"size":   {Type: "integer", Format: "int32", Minimum: pointer(1.0), Default: &extensionsv1.JSON{Raw: []byte("3")}},
		"colour": {Type: "string", Enum: []extensionsv1.JSON{{Raw: []byte(`"red"`)}, {Raw: []byte(`"green"`)}}},
		"free":   {Type: "object", XPreserveUnknownFields: pointer(true)},
		"beds": {Type: "array", Items: &extensionsv1.JSONSchemaPropsOrArray{Schema: &bed},
			XListType: pointer("map"), XListMapKeys: []string{"name"}},
	})
	spec.XValidations = extensionsv1.ValidationRules{{
		Rule: "!has(self.beds) || self.beds.size() <= self.size", Message: "there is no room for so many beds"}}
	status := properties(map[string]extensionsv1.JSONSchemaProps{
		"size": {Type: "integer", Format: "int32"}, "selector": text, "observedGeneration": {Type: "integer", Format: "int64"},
		"conditions": {Type: "array", Items: &extensionsv1.JSONSchemaPropsOrArray{Schema: &condition},
			XListType: pointer("map"), XListMapKeys: []string{"type"}},
	})
	whole := properties(map[string]extensionsv1.JSONSchemaProps{"spec": spec, "status": status})
	version := extensionsv1.CustomResourceDefinitionVersion{
		Name: "v1", Served: true, Storage: true,
		Schema: &extensionsv1.CustomResourceValidation{OpenAPIV3Schema: &whole},
		Subresources: &extensionsv1.CustomResourceSubresources{
			Status: &extensionsv1.CustomResourceSubresourceStatus{},
			Scale: &extensionsv1.CustomResourceSubresourceScale{
				SpecReplicasPath: ".spec.size", StatusReplicasPath: ".status.size", LabelSelectorPath: pointer(".status.selector")},
		},
		AdditionalPrinterColumns: []extensionsv1.CustomResourceColumnDefinition{{Name: "Size", Type: "integer", JSONPath: ".spec.size"}},
	}
	return &extensionsv1.CustomResourceDefinition{
		ObjectMeta: metav1.ObjectMeta{Name: "gardens." + group},
		Spec: extensionsv1.CustomResourceDefinitionSpec{
			Group: group, Scope: extensionsv1.NamespaceScoped,
			Names: extensionsv1.CustomResourceDefinitionNames{
				Plural: "gardens", Singular: "garden", Kind: "Garden", ListKind: "GardenList",
				ShortNames: []string{"gdn"}, Categories: []string{"all"}},
			Versions: []extensionsv1.CustomResourceDefinitionVersion{version},
		},
	}
}

// define brings the kind of gardens along, until the check ends.
func define(ctx context.Context, g *ground) (kind schema.GroupVersionResource, drop func(), err error) {
	group := g.namespace + ".example.com"
	kind = schema.GroupVersionResource{Group: group, Version: "v1", Resource: "gardens"}
	definitions := extensions.NewForConfigOrDie(g.config).ApiextensionsV1().CustomResourceDefinitions()
	drop = func() { _ = definitions.Delete(context.WithoutCancel(ctx), "gardens."+group, metav1.DeleteOptions{}) }
	if _, err := definitions.Create(ctx, gardens(group), metav1.CreateOptions{}); err != nil {
		return kind, drop, err
	}
	err = g.eventually(ctx, "the kind is established", func() error {
		got, err := definitions.Get(ctx, "gardens."+group, metav1.GetOptions{})
		if err != nil {
			return err
		}
		for _, condition := range got.Status.Conditions {
			if condition.Type == extensionsv1.Established && condition.Status == extensionsv1.ConditionTrue {
				_, err := g.dynamic.Resource(kind).List(ctx, metav1.ListOptions{})
				return err
			}
		}
		return errors.New("it is not: " + text(got.Status))
	})
	return kind, drop, err
}

func garden(kind schema.GroupVersionResource, name string, spec map[string]any) *unstructured.Unstructured {
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": kind.GroupVersion().String(), "kind": "Garden", "metadata": map[string]any{"name": name}, "spec": spec,
	}}
}

func customObjects(ctx context.Context, g *ground) error {
	kind, drop, err := define(ctx, g)
	defer drop()
	if err != nil {
		return err
	}
	objects := g.dynamic.Resource(kind).Namespace(g.namespace)
	created, err := objects.Create(ctx, garden(kind, "one", map[string]any{
		"colour": "red", "unknown": "gone", "free": map[string]any{"kept": true}, "beds": []any{map[string]any{"name": "a", "more": 1}},
	}), metav1.CreateOptions{})
	if err != nil {
		return err
	}
	const want = `{"beds":[{"name":"a"}],"colour":"red","free":{"kept":true},"size":3}`
	if err := equal("what was stored", text(created.Object["spec"]), want); err != nil {
		return err
	}
	bed := func(name string) any { return map[string]any{"name": name} }
	for _, wrong := range []struct {
		spec         map[string]any
		field, words string
	}{
		{map[string]any{"size": int64(0)}, "spec.size", "should be greater than or equal to 1"},
		{map[string]any{"size": "many"}, "spec.size", "must be of type integer"},
		{map[string]any{"colour": "blue"}, "spec.colour", "supported values"},
		{map[string]any{"beds": []any{map[string]any{"plant": "rose"}}}, "spec.beds[0].name", "Required value"},
		{map[string]any{"beds": []any{bed("a"), bed("a")}}, "spec.beds[1]", "Duplicate value"},
		{map[string]any{"size": int64(1), "beds": []any{bed("a"), bed("b")}}, "spec", "no room for so many beds"},
	} {
		_, err := objects.Create(ctx, garden(kind, "wrong", wrong.spec), metav1.CreateOptions{})
		if err := refusedField(fmt.Sprint(wrong.spec), err, wrong.field); err != nil {
			return err
		}
		if !strings.Contains(err.Error(), wrong.words) {
			return fmt.Errorf("%v is refused with other words: %w", wrong.spec, err)
		}
	}
	_, err = objects.Create(ctx, garden(kind, "strict", map[string]any{"unknown": 1}), metav1.CreateOptions{FieldValidation: metav1.FieldValidationStrict})
	return refused("an unknown field", err, apierrors.IsBadRequest)
}

func customStatus(ctx context.Context, g *ground) error {
	kind, drop, err := define(ctx, g)
	defer drop()
	if err != nil {
		return err
	}
	objects := g.dynamic.Resource(kind).Namespace(g.namespace)
	sent := garden(kind, "one", map[string]any{"size": int64(2)})
	sent.Object["status"] = map[string]any{"size": int64(9)}
	created, err := objects.Create(ctx, sent, metav1.CreateOptions{})
	if err != nil {
		return err
	}
	if err := first(equal("the status after a creation", created.Object["status"], nil), equal("the generation", created.GetGeneration(), 1)); err != nil {
		return err
	}
	created.Object["status"] = map[string]any{"size": int64(2), "selector": "a=b"}
	created.Object["spec"] = map[string]any{"size": int64(7)}
	updated, err := objects.UpdateStatus(ctx, created, metav1.UpdateOptions{})
	if err != nil {
		return err
	}
	if err := first(equal("the spec", text(updated.Object["spec"]), `{"size":2}`), equal("the generation", updated.GetGeneration(), 1)); err != nil {
		return err
	}
	scale, err := objects.Get(ctx, "one", metav1.GetOptions{}, "scale")
	if err != nil {
		return err
	}
	err = first(
		equal("the scale's kind", scale.GetKind(), "Scale"),
		equal("the scale's spec", text(scale.Object["spec"]), `{"replicas":2}`),
		equal("the scale's status", text(scale.Object["status"]), `{"replicas":2,"selector":"a=b"}`),
	)
	if err != nil {
		return err
	}
	if _, err := objects.Patch(ctx, "one", types.MergePatchType, []byte(`{"spec":{"replicas":4}}`), metav1.PatchOptions{}, "scale"); err != nil {
		return err
	}
	got, err := objects.Get(ctx, "one", metav1.GetOptions{})
	if err != nil {
		return err
	}
	_, err = objects.Patch(ctx, "one", types.StrategicMergePatchType, []byte(`{"spec":{"size":5}}`), metav1.PatchOptions{})
	return first(
		equal("the spec after scaling", text(got.Object["spec"]), `{"size":4}`),
		equal("the generation after scaling", got.GetGeneration(), 2),
		refused("a strategic merge patch", err, apierrors.IsUnsupportedMediaType),
	)
}

func customApply(ctx context.Context, g *ground) error {
	kind, drop, err := define(ctx, g)
	defer drop()
	if err != nil {
		return err
	}
	objects := g.dynamic.Resource(kind).Namespace(g.namespace)
	beds := func(names ...string) *unstructured.Unstructured {
		list := []any{}
		for _, name := range names {
			list = append(list, map[string]any{"name": name})
		}
		return garden(kind, "one", map[string]any{"beds": list})
	}
	if _, err := objects.Apply(ctx, "one", beds("a", "b"), by("first")); err != nil {
		return err
	}
	if _, err := objects.Apply(ctx, "one", beds("c"), by("second")); err != nil {
		return err
	}
	got, err := objects.Apply(ctx, "one", beds("b"), by("first"))
	if err != nil {
		return err
	}
	return equal("the beds", text(got.Object["spec"]), `{"beds":[{"name":"b"},{"name":"c"}],"size":3}`)
}

func customDiscovery(ctx context.Context, g *ground) error {
	kind, drop, err := define(ctx, g)
	defer drop()
	if err != nil {
		return err
	}
	client, err := discoverer(g, false)
	if err != nil {
		return err
	}
	mapper := restmapper.NewDeferredDiscoveryRESTMapper(memory.NewMemCacheClient(client))
	err = g.eventually(ctx, "it is discovered", func() error {
		mapper.Reset()
		mapping, err := mapper.RESTMapping(schema.GroupKind{Group: kind.Group, Kind: "Garden"})
		if err != nil {
			return err
		}
		return equal("its resource", mapping.Resource, kind)
	})
	if err != nil {
		return err
	}
	err = g.eventually(ctx, "its schema is published", func() error {
		document, err := openapi3.NewRoot(client.OpenAPIV3()).GVSpec(kind.GroupVersion())
		if err != nil {
			return err
		}
		for name := range document.Components.Schemas {
			if strings.HasSuffix(name, ".v1.Garden") {
				return nil
			}
		}
		return errors.New("there is no such schema")
	})
	if err != nil {
		return err
	}
	objects := g.dynamic.Resource(kind).Namespace(g.namespace)
	if _, err := objects.Create(ctx, garden(kind, "one", map[string]any{}), metav1.CreateOptions{}); err != nil {
		return err
	}
	watcher, err := objects.Watch(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	drop()
	told, err := collect(ctx, watcher, 2)
	if err := first(err, equal("what was told", fmt.Sprint(told), "[ADDED one DELETED one]")); err != nil {
		return err
	}
	return g.gone(ctx, "the kind", func() error {
		_, err := objects.List(ctx, metav1.ListOptions{})
		return err
	})
}

func badDefinition(ctx context.Context, g *ground) error {
	wrong := gardens(g.namespace + ".example.com")
	wrong.Spec.Versions[0].Schema.OpenAPIV3Schema.Properties["spec"].Properties["free"] = extensionsv1.JSONSchemaProps{}
	_, err := extensions.NewForConfigOrDie(g.config).ApiextensionsV1().CustomResourceDefinitions().Create(ctx, wrong, metav1.CreateOptions{})
	return refusedField("a field without a type", err, "spec.validation.openAPIV3Schema.properties[spec].properties[free].type")
}
