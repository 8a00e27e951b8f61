package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/openapi3"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/restmapper"
)

// discoveryChecks are about what a program can find out about the server.
var discoveryChecks = []check{
	{"discovery: the version", version},
	{"discovery: groups and kinds, aggregated", func(ctx context.Context, g *ground) error {
		return resources(g, false)
	}},
	{"discovery: groups and kinds, one by one", func(ctx context.Context, g *ground) error {
		return resources(g, true)
	}},
	{"discovery: a mapper finds kinds, resources, scopes and short names", mapper},
	{"discovery: OpenAPI has the schema of each kind", openAPI},
	{"discovery: the server is healthy", healthy},
}

func discoverer(g *ground, legacy bool) (*discovery.DiscoveryClient, error) {
	client, err := discovery.NewDiscoveryClientForConfig(rest.CopyConfig(g.config))
	if err == nil {
		client.UseLegacyDiscovery = legacy
	}
	return client, err
}

func version(ctx context.Context, g *ground) error {
	client, err := discoverer(g, false)
	if err != nil {
		return err
	}
	version, err := client.ServerVersion()
	if err != nil {
		return err
	}
	if version.Major != "1" || !strings.HasPrefix(version.GitVersion, "v1."+version.Minor) {
		return fmt.Errorf("the version is %+v", version)
	}
	return nil
}

func resources(g *ground, legacy bool) error {
	client, err := discoverer(g, legacy)
	if err != nil {
		return err
	}
	groups, lists, err := client.ServerGroupsAndResources()
	if err != nil {
		return err
	}
	if len(groups) < 10 {
		return fmt.Errorf("there are only %d groups", len(groups))
	}
	found := map[string]string{}
	for _, list := range lists {
		for _, resource := range list.APIResources {
			found[list.GroupVersion+" "+resource.Name] = fmt.Sprint(resource.Kind, " ", resource.Namespaced, " ", resource.Verbs)
		}
	}
	const all = "[create delete deletecollection get list patch update watch]"
	for resource, want := range map[string]string{
		"v1 configmaps":                                               "ConfigMap true " + all,
		"v1 namespaces":                                               "Namespace false [create delete get list patch update watch]",
		"v1 pods/eviction":                                            "Eviction true [create]",
		"v1 serviceaccounts/token":                                    "TokenRequest true [create]",
		"apps/v1 deployments":                                         "Deployment true " + all,
		"apps/v1 deployments/scale":                                   "Scale true [get patch update]",
		"coordination.k8s.io/v1 leases":                               "Lease true " + all,
		"authorization.k8s.io/v1 selfsubjectaccessreviews":            "SelfSubjectAccessReview false [create]",
		"apiextensions.k8s.io/v1 customresourcedefinitions":           "CustomResourceDefinition false " + all,
		"rbac.authorization.k8s.io/v1 clusterroles":                   "ClusterRole false " + all,
		"events.k8s.io/v1 events":                                     "Event true " + all,
		"policy/v1 poddisruptionbudgets/status":                       "PodDisruptionBudget true [get patch update]",
		"admissionregistration.k8s.io/v1 validatingadmissionpolicies": "ValidatingAdmissionPolicy false " + all,
	} {
		if err := equal(resource, found[resource], want); err != nil {
			return err
		}
	}
	return nil
}

func mapper(ctx context.Context, g *ground) error {
	client, err := discoverer(g, false)
	if err != nil {
		return err
	}
	cached := memory.NewMemCacheClient(client)
	mapper := restmapper.NewShortcutExpander(restmapper.NewDeferredDiscoveryRESTMapper(cached), cached, nil)
	for kind, want := range map[schema.GroupKind]string{
		{Kind: "ConfigMap"}:                                 "/v1, Resource=configmaps namespace",
		{Kind: "Namespace"}:                                 "/v1, Resource=namespaces root",
		{Group: "apps", Kind: "Deployment"}:                 "apps/v1, Resource=deployments namespace",
		{Group: "networking.k8s.io", Kind: "NetworkPolicy"}: "networking.k8s.io/v1, Resource=networkpolicies namespace",
	} {
		mapping, err := mapper.RESTMapping(kind)
		if err != nil {
			return err
		}
		if err := equal(kind.String(), mapping.Resource.String()+" "+string(mapping.Scope.Name()), want); err != nil {
			return err
		}
	}
	for short, want := range map[string]string{"cm": "configmaps", "deploy": "deployments", "ns": "namespaces", "sa": "serviceaccounts", "crd": "customresourcedefinitions", "po": "pods", "netpol": "networkpolicies"} {
		resource, err := mapper.ResourceFor(schema.GroupVersionResource{Resource: short})
		if err := first(err, equal("what "+short+" means", resource.Resource, want)); err != nil {
			return err
		}
	}
	_, err = mapper.RESTMapping(schema.GroupKind{Group: "none.example.com", Kind: "Thing"})
	return refused("a kind that does not exist", err, meta.IsNoMatchError)
}

func openAPI(ctx context.Context, g *ground) error {
	client, err := discoverer(g, false)
	if err != nil {
		return err
	}
	root := openapi3.NewRoot(client.OpenAPIV3())
	for version, schemaName := range map[schema.GroupVersion]string{
		{Version: "v1"}:                                     "io.k8s.api.core.v1.ConfigMap",
		{Group: "apps", Version: "v1"}:                      "io.k8s.api.apps.v1.Deployment",
		{Group: "rbac.authorization.k8s.io", Version: "v1"}: "io.k8s.api.rbac.v1.Role",
	} {
		document, err := root.GVSpec(version)
		if err != nil {
			return err
		}
		if document.Components == nil || document.Components.Schemas[schemaName] == nil {
			return errors.New("there is no " + schemaName)
		}
		if document.Components.Schemas[schemaName].Properties["metadata"].Description == "" {
			return errors.New(schemaName + " is not described")
		}
	}
	return nil
}

func healthy(ctx context.Context, g *ground) error {
	for _, path := range []string{"/readyz", "/livez", "/healthz"} {
		answer, err := g.clients.CoreV1().RESTClient().Get().AbsPath(path).DoRaw(ctx)
		if err := first(err, equal(path, string(answer), "ok")); err != nil {
			return err
		}
	}
	return nil
}
