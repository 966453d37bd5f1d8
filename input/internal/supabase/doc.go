// Package supabase knows Supabase projects: where the endpoint of a project is,
// which of its keys fits which field, and what a user has to change when an
// endpoint refuses them. It makes no request and reads no file; the rooms below
// it do.
//
//	settings.go      Settings as they are written, Resolve, the checked Project
//	types.go         which type of credentials uses which fields, and their files
//	problem.go       FieldError: a field, what is wrong with it, the remedy
//	endpoint.go      project_ref, endpoint and region
//	accesskey.go     credentials of the type access_key
//	secretkey.go     credentials of the type secret_key, and publishable keys
//	sessiontoken.go  credentials of the type session_token
//	user.go          credentials of the type user
//	accesstoken.go   credentials of the type access_token
//	refusal.go       the remedy for what Auth or the Management API answered
//	key.go           what a value looks like: a JWT, an sb_ key, an S3 key
//	jwt.go           the claims of a JWT
//	identity.go      Identity: who the server treats the sender of a request as
//	remedies.go      the table of causes that all APIs share, and their remedies
//	remedies_way.go  the part of it for what happens on the way to a server
//	explain.go       the remedy for what a server answered
//	explain_rest.go  the same for the Storage REST API; which plane requests go over
//	secrecy.go       keys are never printed
package supabase
