// Package supabase knows Supabase projects: where the endpoint of a project is,
// which of its keys fits which field, and what a user has to change when an
// endpoint refuses them. It makes no request.
//
//	settings.go      Settings as they are written, Resolve, the checked Project
//	problem.go       FieldError: a field, what is wrong with it, the remedy
//	endpoint.go      project_ref, endpoint and region
//	accesskey.go     credentials of the type access_key
//	sessiontoken.go  credentials of the type session_token
//	key.go           what a value looks like: a JWT, an sb_ key, an S3 key
//	jwt.go           the claims of a JWT
//	token.go         what a token that is in use says of itself
//	explain.go       the remedy for what a server answered
//	secrecy.go       keys are never printed
package supabase
