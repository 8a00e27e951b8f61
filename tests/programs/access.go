package main

import (
	"context"
	"errors"
	"fmt"

	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
)

// accessChecks are about who asks, and what they may do.
var accessChecks = []check{
	{"access: the administrator may do everything", administrator},
	{"access: an impersonated user may do what a Role says and no more", impersonatedUser},
	{"access: an impersonated group", impersonatedGroup},
	{"access: who impersonates is somebody else, with groups and extras", whoAmI},
	{"access: who may not impersonate is refused", noImpersonation},
	{"access: nobody gives rights that they do not have", escalation},
	{"access: a service account's token says who it is, until the account goes", token},
	{"access: a wrong token is unauthorised", wrongToken},
}

func may(ctx context.Context, clients kubernetes.Interface, namespace, verb, resource string) (bool, error) {
	review := &authorizationv1.SelfSubjectAccessReview{Spec: authorizationv1.SelfSubjectAccessReviewSpec{
		ResourceAttributes: &authorizationv1.ResourceAttributes{Namespace: namespace, Verb: verb, Resource: resource}}}
	review, err := clients.AuthorizationV1().SelfSubjectAccessReviews().Create(ctx, review, metav1.CreateOptions{})
	if err != nil {
		return false, err
	}
	return review.Status.Allowed, nil
}

func administrator(ctx context.Context, g *ground) error {
	allowed, err := may(ctx, g.clients, g.namespace, "delete", "secrets")
	if err := first(err, equal("whether the administrator may delete secrets", allowed, true)); err != nil {
		return err
	}
	rules := &authorizationv1.SelfSubjectRulesReview{Spec: authorizationv1.SelfSubjectRulesReviewSpec{Namespace: g.namespace}}
	rules, err = g.clients.AuthorizationV1().SelfSubjectRulesReviews().Create(ctx, rules, metav1.CreateOptions{})
	if err != nil {
		return err
	}
	if len(rules.Status.ResourceRules) == 0 {
		return errors.New("the administrator has no rules")
	}
	return nil
}

// reader lets a subject read ConfigMaps.
func reader(ctx context.Context, g *ground, subject rbacv1.Subject) error {
	if _, err := g.clients.RbacV1().Roles(g.namespace).Create(ctx, named(role(), "reader"), metav1.CreateOptions{}); err != nil {
		return err
	}
	binding := named(roleBinding(""), "reader")
	binding.Subjects = []rbacv1.Subject{subject}
	_, err := g.clients.RbacV1().RoleBindings(g.namespace).Create(ctx, binding, metav1.CreateOptions{})
	return err
}

// reads waits until a client may read ConfigMaps, and looks that it may do nothing else.
func reads(ctx context.Context, g *ground, clients kubernetes.Interface) error {
	err := g.eventually(ctx, "ConfigMaps may be read", func() error {
		_, err := clients.CoreV1().ConfigMaps(g.namespace).List(ctx, metav1.ListOptions{})
		return err
	})
	if err != nil {
		return err
	}
	_, err = clients.CoreV1().Secrets(g.namespace).List(ctx, metav1.ListOptions{})
	if err := refused("listing Secrets", err, apierrors.IsForbidden); err != nil {
		return err
	}
	_, err = clients.CoreV1().ConfigMaps("default").List(ctx, metav1.ListOptions{})
	if err := refused("listing in another namespace", err, apierrors.IsForbidden); err != nil {
		return err
	}
	_, err = clients.CoreV1().ConfigMaps(g.namespace).Create(ctx, named(configMap(), "one"), metav1.CreateOptions{})
	if err := refused("creating", err, apierrors.IsForbidden); err != nil {
		return err
	}
	can, err := may(ctx, clients, g.namespace, "watch", "configmaps")
	if err := first(err, equal("whether watching is allowed", can, true)); err != nil {
		return err
	}
	can, err = may(ctx, clients, g.namespace, "delete", "configmaps")
	return first(err, equal("whether deleting is allowed", can, false))
}

func impersonatedUser(ctx context.Context, g *ground) error {
	user := g.as(rest.ImpersonationConfig{UserName: "jane"})
	_, err := user.CoreV1().ConfigMaps(g.namespace).List(ctx, metav1.ListOptions{})
	if err := refused("a list by a user without rights", err, apierrors.IsForbidden); err != nil {
		return err
	}
	if err := reader(ctx, g, rbacv1.Subject{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: "jane"}); err != nil {
		return err
	}
	if err := reads(ctx, g, user); err != nil {
		return err
	}
	review := &authorizationv1.LocalSubjectAccessReview{
		ObjectMeta: metav1.ObjectMeta{Namespace: g.namespace},
		Spec: authorizationv1.SubjectAccessReviewSpec{User: "jane", ResourceAttributes: &authorizationv1.ResourceAttributes{
			Namespace: g.namespace, Verb: "get", Resource: "configmaps"}},
	}
	review, err = g.clients.AuthorizationV1().LocalSubjectAccessReviews(g.namespace).Create(ctx, review, metav1.CreateOptions{})
	return first(err, equal("whether a review allows it", review.Status.Allowed, true))
}

func impersonatedGroup(ctx context.Context, g *ground) error {
	group := rbacv1.Subject{APIGroup: rbacv1.GroupName, Kind: rbacv1.GroupKind, Name: "readers"}
	if err := reader(ctx, g, group); err != nil {
		return err
	}
	return reads(ctx, g, g.as(rest.ImpersonationConfig{UserName: "joe", Groups: []string{"readers"}}))
}

func whoAmI(ctx context.Context, g *ground) error {
	clients := g.as(rest.ImpersonationConfig{
		UserName: "jane", UID: "u-1", Groups: []string{"one", "two"}, Extra: map[string][]string{"example.com/Scope": {"a", "b"}}})
	review, err := clients.AuthenticationV1().SelfSubjectReviews().Create(ctx, &authenticationv1.SelfSubjectReview{}, metav1.CreateOptions{})
	if err != nil {
		return err
	}
	user := review.Status.UserInfo
	return first(
		equal("the user", user.Username, "jane"),
		equal("the uid", user.UID, "u-1"),
		equal("the groups", fmt.Sprint(user.Groups), "[one two system:authenticated]"),
		equal("the extras", fmt.Sprint(user.Extra), "map[example.com/scope:[a b]]"),
	)
}

func noImpersonation(ctx context.Context, g *ground) error {
	account := g.as(rest.ImpersonationConfig{UserName: "jane"})
	// A second header of impersonation cannot be sent, so the first user needs a token.
	_, err := account.CoreV1().Namespaces().Get(ctx, g.namespace, metav1.GetOptions{})
	if err := refused("a get by a user without rights", err, apierrors.IsForbidden); err != nil {
		return err
	}
	config, err := tokenConfig(ctx, g, "default")
	if err != nil {
		return err
	}
	config.Impersonate = rest.ImpersonationConfig{UserName: "system:admin"}
	_, err = kubernetes.NewForConfigOrDie(config).CoreV1().Namespaces().Get(ctx, g.namespace, metav1.GetOptions{})
	return refused("impersonating an administrator", err, apierrors.IsForbidden)
}

func escalation(ctx context.Context, g *ground) error {
	manager := role()
	manager.Rules = append(manager.Rules, rbacv1.PolicyRule{
		APIGroups: []string{rbacv1.GroupName}, Resources: []string{"roles", "rolebindings"}, Verbs: []string{"create"}})
	if _, err := g.clients.RbacV1().Roles(g.namespace).Create(ctx, named(manager, "reader"), metav1.CreateOptions{}); err != nil {
		return err
	}
	if _, err := g.clients.RbacV1().RoleBindings(g.namespace).Create(ctx, named(roleBinding("jane"), "reader"), metav1.CreateOptions{}); err != nil {
		return err
	}
	jane := g.as(rest.ImpersonationConfig{UserName: "jane"})
	err := g.eventually(ctx, "Jane makes a Role of what she may do herself", func() error {
		_, err := jane.RbacV1().Roles(g.namespace).Create(ctx, named(role(), "same"), metav1.CreateOptions{})
		return err
	})
	if err != nil {
		return err
	}
	more := named(role(), "more")
	more.Rules[0].Verbs = []string{"delete"}
	_, err = jane.RbacV1().Roles(g.namespace).Create(ctx, more, metav1.CreateOptions{})
	if err := refused("a Role of more", err, apierrors.IsForbidden); err != nil {
		return err
	}
	binding := named(roleBinding("jane"), "edit")
	binding.RoleRef = rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "cluster-admin"}
	_, err = jane.RbacV1().RoleBindings(g.namespace).Create(ctx, binding, metav1.CreateOptions{})
	return refused("binding an administrator's role", err, apierrors.IsForbidden)
}

// tokenConfig is the configuration of a program that has a service account's token.
func tokenConfig(ctx context.Context, g *ground, account string) (*rest.Config, error) {
	request := &authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{ExpirationSeconds: pointer(int64(3600))}}
	request, err := g.clients.CoreV1().ServiceAccounts(g.namespace).CreateToken(ctx, account, request, metav1.CreateOptions{})
	if err != nil {
		return nil, err
	}
	config := rest.AnonymousClientConfig(g.config)
	config.BearerToken = request.Status.Token
	return config, nil
}

func token(ctx context.Context, g *ground) error {
	accounts := g.clients.CoreV1().ServiceAccounts(g.namespace)
	if _, err := accounts.Create(ctx, named(serviceAccount(), "robot"), metav1.CreateOptions{}); err != nil {
		return err
	}
	config, err := tokenConfig(ctx, g, "robot")
	if err != nil {
		return err
	}
	robot := kubernetes.NewForConfigOrDie(config)
	who, err := robot.AuthenticationV1().SelfSubjectReviews().Create(ctx, &authenticationv1.SelfSubjectReview{}, metav1.CreateOptions{})
	if err != nil {
		return err
	}
	name := "system:serviceaccount:" + g.namespace + ":robot"
	if err := equal("who that is", who.Status.UserInfo.Username, name); err != nil {
		return err
	}
	if err := reader(ctx, g, rbacv1.Subject{Kind: rbacv1.ServiceAccountKind, Namespace: g.namespace, Name: "robot"}); err != nil {
		return err
	}
	if err := reads(ctx, g, robot); err != nil {
		return err
	}
	review := func() (authenticationv1.TokenReviewStatus, error) {
		review := &authenticationv1.TokenReview{Spec: authenticationv1.TokenReviewSpec{Token: config.BearerToken}}
		review, err := g.clients.AuthenticationV1().TokenReviews().Create(ctx, review, metav1.CreateOptions{})
		if err != nil {
			return authenticationv1.TokenReviewStatus{}, err
		}
		return review.Status, nil
	}
	status, err := review()
	if err := first(err, equal("whether a review knows it", status.Authenticated, true), equal("who a review knows", status.User.Username, name)); err != nil {
		return err
	}
	if err := accounts.Delete(ctx, "robot", metav1.DeleteOptions{}); err != nil {
		return err
	}
	return g.eventually(ctx, "the token is no longer good", func() error {
		status, err := review()
		return first(err, equal("whether a review knows it", status.Authenticated, false))
	})
}

func wrongToken(ctx context.Context, g *ground) error {
	config := rest.AnonymousClientConfig(g.config)
	config.BearerToken = "nonsense"
	_, err := kubernetes.NewForConfigOrDie(config).CoreV1().Namespaces().Get(ctx, g.namespace, metav1.GetOptions{})
	if err := refused("a wrong token", err, apierrors.IsUnauthorized); err != nil {
		return err
	}
	config.BearerToken = ""
	_, err = kubernetes.NewForConfigOrDie(config).CoreV1().Namespaces().Get(ctx, g.namespace, metav1.GetOptions{})
	return refused("nobody", err, func(err error) bool { return apierrors.IsForbidden(err) || apierrors.IsUnauthorized(err) })
}
