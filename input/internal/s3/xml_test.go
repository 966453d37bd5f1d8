package s3

import (
	"bytes"
	"encoding/xml"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/stretchr/testify/require"

	"github.com/seed75cbcda6/supabase-storage/input/internal/object"
	"github.com/seed75cbcda6/supabase-storage/input/internal/plane"
)

func TestPageIsDecodedInAnyForm(t *testing.T) {
	modified := time.Date(2026, 11, 20, 19, 1, 35, 954_000_000, time.UTC)
	for name, tc := range map[string]struct {
		doc  string
		want page
	}{
		"as the server writes it": {
			`<?xml version="1.0" encoding="UTF-8" standalone="yes"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>docs</Name><Prefix/><Contents><Key>a/b.txt</Key><LastModified>2026-11-20T19:01:35.954Z</LastModified><ETag>"9dd4"</ETag><Size>1</Size><StorageClass>STANDARD</StorageClass></Contents><IsTruncated>true</IsTruncated><MaxKeys>1</MaxKeys><KeyCount>1</KeyCount><NextContinuationToken>bDphL2IudHh0</NextContinuationToken></ListBucketResult>`,
			page{objects: []object.Object{{Key: "a/b.txt", ETag: "9dd4", Size: 1, LastModified: modified}}, truncated: true, last: false, token: "bDphL2IudHh0", bucket: "docs", prefix: new("")},
		},
		"pretty, with prefixes, comments, unknown and nested elements": {
			"<?xml version='1.0'?>\n<!DOCTYPE x>\n<!-- hi > --><s3:ListBucketResult a='x>y'\n b=\"/>\">\n <s3:IsTruncated >false</s3:IsTruncated>\n" +
				" <s3:Contents>\n  <Owner><ID>1</ID><Key>not this</Key></Owner>\n  <Key>k</Key>\n  <ETag>&quot;e&quot;</ETag><Size>12</Size><New/><LastModified>2026-11-20T20:01:35.954+01:00</LastModified>\n </s3:Contents>\n" +
				" <CommonPrefixes><Prefix>p/</Prefix></CommonPrefixes>\n</s3:ListBucketResult>\n",
			page{objects: []object.Object{{Key: "k", ETag: "e", Size: 12, LastModified: modified}}, truncated: false, last: true, token: ""},
		},
		"text in all its forms": {
			`<ListBucketResult><Contents><Key>a&amp;b&lt;c&gt;d&quot;e&apos;f&#32;g&#x20AC;h&#x1F600;</Key><Size>0</Size></Contents>` +
				`<Contents><Key><![CDATA[<raw>&amp;]]>&amp;<!-- x -->end</Key><Size>0</Size></Contents>` +
				"<Contents><Key>\x01 \r\n &unknown; &#xZZ; &; & &#99999999;</Key><Size>0</Size></Contents></ListBucketResult>",
			page{objects: []object.Object{{Key: `a&b<c>d"e'f g€h😀`}, {Key: `<raw>&amp;&end`}, {Key: "\x01 \r\n &unknown; &#xZZ; &; & &#99999999;"}}, truncated: false, last: false, token: ""},
		},
		"empty":        {"<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>", page{last: true}},
		"empty, terse": {"<ListBucketResult><Name/></ListBucketResult>", page{}},
	} {
		t.Run(name, func(t *testing.T) {
			var p page
			require.NoError(t, p.decode([]byte(tc.doc), plane.PageKeys))
			require.Empty(t, cmp.Diff(tc.want, p, cmp.AllowUnexported(page{}), cmpopts.EquateEmpty()))
		})
	}
}

func TestEveryCutOfAPageIsAnError(t *testing.T) {
	doc := xmlPage("token", true, "a", "b&c", "d")
	doc = strings.TrimSuffix(doc, ">")
	var p page
	for i := range len(doc) {
		require.Error(t, p.decode([]byte(doc[:i]), plane.PageKeys), doc[:i])
	}
}

func TestEncodedKeysAreRefused(t *testing.T) {
	var p page
	err := p.decode([]byte("<ListBucketResult><EncodingType>url</EncodingType></ListBucketResult>"), plane.PageKeys)
	require.ErrorIs(t, err, errEncodedKeys)
	require.NoError(t, p.decode([]byte("<ListBucketResult><KeyCount>0</KeyCount><EncodingType></EncodingType></ListBucketResult>"), plane.PageKeys))
}

func TestErrorDocumentThatWasCutStillTells(t *testing.T) {
	code, message, ok := decodeError([]byte("<Error><Code>SlowDown</Code><Message>too ma"))
	require.True(t, ok)
	require.Equal(t, "SlowDown", code)
	require.Empty(t, message)
	for _, doc := range []string{"", "x", "<Err", "<html></html>", "</Error>", "<>"} {
		_, _, ok := decodeError([]byte(doc))
		require.False(t, ok, doc)
	}
}

// What encoding/xml makes of a page that it can read is what decode makes of it.
func FuzzPageAgainstEncodingXML(f *testing.F) {
	f.Add("a", "b&c", `"etag"`, "token")
	f.Add("<x>", "]]>", "&amp;", "")
	f.Add(" spaces ", "tab\tline\nend", "W/\"e\"", "é")
	f.Fuzz(func(t *testing.T, key1, key2, etag, token string) {
		type contents struct {
			Key, ETag string
			Size      int64
		}
		type result struct {
			XMLName               xml.Name `xml:"ListBucketResult"`
			Contents              []contents
			IsTruncated           bool
			NextContinuationToken string
		}
		doc, err := xml.Marshal(result{Contents: []contents{{key1, etag, 7}, {key2, etag, 8}}, IsTruncated: true, NextContinuationToken: token})
		require.NoError(t, err)
		var want result
		if xml.Unmarshal(doc, &want) != nil || !utf8.Valid(doc) {
			return // no such document in XML 1.0: encoding/xml can't read what it wrote
		}
		var got page
		require.NoError(t, got.decode(doc, plane.PageKeys))
		require.True(t, got.truncated)
		require.Equal(t, want.NextContinuationToken, got.token)
		require.Len(t, got.objects, 2)
		for i, c := range want.Contents {
			require.Equal(t, c.Key, got.objects[i].Key)
			require.Equal(t, plane.TrimETag(c.ETag), got.objects[i].ETag)
			require.Equal(t, c.Size, got.objects[i].Size)
		}
	})
}

func FuzzDocuments(f *testing.F) {
	f.Add([]byte(xmlPage("t", true, "a", "b")))
	f.Add([]byte(s3Error("Code", "Message")))
	f.Add([]byte("<a b='>'/><![CDATA[x]]><!-- --><?x?><!x>&#12;"))
	f.Fuzz(func(t *testing.T, doc []byte) {
		var p page
		before := bytes.Clone(doc)
		_ = p.decode(doc, plane.PageKeys)
		_, _, _ = decodeError(doc)
		_ = decodeLocation(doc)
		require.Equal(t, before, doc)
	})
}

func FuzzEscapedPathIsTheKey(f *testing.F) {
	for _, key := range oddKeys {
		f.Add(key)
	}
	f.Fuzz(func(t *testing.T, key string) {
		u, err := bucketURL("http://host/base", testBucket)
		require.NoError(t, err)
		u.Path += "/" + key
		u.RawPath += "/" + plane.EscapePath(key)
		require.Equal(t, u.RawPath, u.EscapedPath(), "the path that is sent must be the one that is signed")
		require.Equal(t, u.RawPath, u.RequestURI())
	})
}
