// Package keys is where the keys come from that requests are signed with: the
// configuration, files, a user's sign-in, or the Management API. It hands out
// those that are good, renews them ahead of their end, and gets others when a
// server refuses them: once, however many requests ask for it at the same time.
// What may pass is waited for here, so that no object is parked because a key
// could not be had for a while.
//
//	source.go    Source: the keys as they are now; renewal ahead of their end
//	renew.go     the renewal that waits, and the one that a refusal asks for
//	provider.go  where new keys come from: files, the Management API
//	user.go      a user's session: sign-in, renewal, sign-out
package keys
