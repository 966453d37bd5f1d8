package conformance

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
)

// shared stores objects of the user and of others, in folders that only this test
// uses. It returns the keys that the user sees, the keys that the user does not see,
// and the prefix of each.
func shared(t *testing.T, tg *target) (own, others []string, ownPrefix, othersPrefix string) {
	t.Helper()
	ownPrefix = tg.userID(t) + "/" + tg.prefix()
	othersPrefix = "someone-else/" + tg.prefix()
	for i := range 5 {
		own = append(own, fmt.Sprintf("%s%d.txt", ownPrefix, i))
		others = append(others, fmt.Sprintf("%s%d.txt", othersPrefix, i))
	}
	tg.storeKeys(t, append(append([]string{}, own...), others...)...)
	return own, others, ownPrefix, othersPrefix
}

func TestUserListsOnlyWhatPoliciesShow(t *testing.T) {
	eachTarget(t, func(t *testing.T, tg *target) {
		own, others, ownPrefix, othersPrefix := shared(t, tg)
		for _, size := range []int{2, 5, 1000} {
			require.Equal(t, own, tg.allKeys(t, &tg.user, ownPrefix, size), "pages stay full")
			require.Empty(t, tg.allKeys(t, &tg.user, othersPrefix, size))
		}
		seen := tg.allKeys(t, &tg.user, "", 1000)
		require.Subset(t, seen, own, "without a prefix too")
		for _, key := range others {
			require.NotContains(t, seen, key)
		}
		for name, as := range map[string]credentials{"access key": tg.key, "service role": tg.serviceRole} {
			require.Equal(t, own, tg.allKeys(t, &as, ownPrefix, 1000), name)
			require.Equal(t, others, tg.allKeys(t, &as, othersPrefix, 1000), name)
		}
	})
}

func TestAnonymousTokenSeesAnEmptyBucketAndNoError(t *testing.T) {
	eachTarget(t, func(t *testing.T, tg *target) {
		_, _, ownPrefix, othersPrefix := shared(t, tg)
		require.Empty(t, tg.allKeys(t, &tg.anon, ownPrefix, 1000))
		require.Empty(t, tg.allKeys(t, &tg.anon, othersPrefix, 1000))
	})
}

func TestHiddenObjectLooksMissing(t *testing.T) {
	eachTarget(t, func(t *testing.T, tg *target) {
		own, others, _, _ := shared(t, tg)
		res := tg.send(t, request{method: http.MethodGet, key: own[0], as: &tg.user})
		require.Equal(t, http.StatusOK, res.status, "%s", res.body)
		require.Equal(t, own[0], string(res.body))

		for name, as := range map[string]credentials{"user": tg.user, "anonymous": tg.anon} {
			res = tg.send(t, request{method: http.MethodGet, key: others[0], as: &as})
			tg.requireFailure(t, res, http.StatusNotFound, "NoSuchKey")
			head := tg.send(t, request{method: http.MethodHead, key: others[0], as: &as})
			require.Equal(t, tg.status(http.StatusNotFound), head.status, name)
		}
	})
}

func TestDeleteOfAHiddenObjectKeepsIt(t *testing.T) {
	eachTarget(t, func(t *testing.T, tg *target) {
		_, others, _, _ := shared(t, tg)
		res := tg.send(t, request{method: http.MethodDelete, key: others[0], as: &tg.user})
		if tg.plane == overREST {
			requireDeleted(t, res) // it does not say why
		} else {
			tg.requireFailure(t, res, http.StatusForbidden, "AccessDenied")
		}
		require.Equal(t, http.StatusOK, tg.get(t, others[0]).status)
	})
}
