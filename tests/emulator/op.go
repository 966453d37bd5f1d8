package emulator

import (
	"net/http"
	"net/url"
)

// Op is what a request asks for.
type Op int

// The operations. OpList is S3's ListObjectsV2; OpListV1 the older
// ListObjects; OpListV2 is REST's /object/list-v2.
const (
	// OpUnknown is a path or method that the emulator does not serve: 404.
	OpUnknown Op = iota
	OpList
	OpListV1
	OpGet
	OpHead
	OpPut
	OpCopy
	OpDelete
	OpDeleteMany
	OpTagging
	OpListBuckets
	OpHeadBucket
	OpCreateBucket
	OpDeleteBucket
	OpBucketLocation
	OpBucketVersioning
	OpCreateUpload
	OpUploadPart
	OpCompleteUpload
	OpAbortUpload
	OpListV2
	OpRESTGet
	OpRESTHead
	OpRESTInfo
	// OpRESTPut is an upload, OpRESTDelete the deletion of one object by its path,
	// OpRESTDeleteMany of several by the body. OpRESTListBuckets and OpRESTGetBucket
	// are GET /bucket and GET /bucket/{bucket}.
	OpRESTPut
	OpRESTDelete
	OpRESTDeleteMany
	OpRESTListBuckets
	OpRESTGetBucket
	// OpRESTSignMany asks for signed URLs, of the keys in its body; OpRESTSigned is a
	// GET of one.
	OpRESTSignMany
	OpRESTSigned
	// OpSignIn and OpRefreshToken are Auth's /token with the grants "password"
	// and "refresh_token", OpSignOut is its /logout.
	OpSignIn
	OpRefreshToken
	OpSignOut
	// OpGetProject, OpGetAPIKeys, OpGetLegacyKeys and OpGetHealth are the
	// Management API's.
	OpGetProject
	OpGetAPIKeys
	OpGetLegacyKeys
	OpGetHealth
	// OpGetBuckets is the Management API's list of a project's buckets,
	// OpListProjects its list of an organization's projects, page by page, and
	// OpListAllProjects the list of all projects of an account.
	OpGetBuckets
	OpListProjects
	OpListAllProjects
	numOps
)

var opNames = [numOps]string{
	"Unknown", "List", "ListV1", "Get", "Head", "Put", "Copy", "Delete", "DeleteMany", "Tagging",
	"ListBuckets", "HeadBucket", "CreateBucket", "DeleteBucket", "BucketLocation", "BucketVersioning",
	"CreateUpload", "UploadPart", "CompleteUpload", "AbortUpload",
	"ListV2", "RESTGet", "RESTHead", "RESTInfo",
	"RESTPut", "RESTDelete", "RESTDeleteMany", "RESTListBuckets", "RESTGetBucket", "RESTSignMany", "RESTSigned",
	"SignIn", "RefreshToken", "SignOut", "GetProject", "GetAPIKeys", "GetLegacyKeys", "GetHealth",
	"GetBuckets", "ListProjects", "ListAllProjects",
}

// String is the constant's name without the "Op".
func (o Op) String() string {
	if o < 0 || o >= numOps {
		return "Invalid"
	}
	return opNames[o]
}

// Request is what a fault sees and what the log keeps. Header and Query are
// those of the request and must not be changed.
type Request struct {
	Op Op
	// Project is the reference of the project; in the Management API what is asked
	// about: a project, the slug of an organization, or nothing.
	Project string
	// Bucket and Key are decoded; Key is empty for a request about a bucket.
	Bucket, Key string
	// Offset is the first byte that a Range header asks for, 0 without one and
	// for a range that counts from the end.
	Offset int64
	// N is the running number of this request among those of the same Op, from 1.
	N int
	// KeyN is the same among those of this Op and this Key, or, for a listing,
	// of this page: 1 for the first attempt. After 262144 different keys and pages,
	// it is 0 for new ones, so that runs over millions of objects stay small.
	KeyN   int
	Header http.Header
	Query  url.Values
	// Body is the body of a list-v2, of a deletion by keys or of a request for URLs,
	// which says what is asked for; nil for all others.
	Body []byte
}
