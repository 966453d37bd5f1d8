package target

// Target is an object that a document names.
type Target struct {
	// ProjectRef and Bucket are empty where the document does not tell.
	ProjectRef, Bucket string
	Key                string
	// Event is Created, Updated or Deleted, empty where the document does not tell.
	Event string
}
