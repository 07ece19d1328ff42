const LENGTH_MAX = 512

/** True for a client id that says where its metadata document is: no id of ours begins so. */
export function isDocumentId(id: string): boolean {
  return /^https:\/\//i.test(id)
}

/**
 * The address that a client id of this kind is, or undefined: https, with a path, written in the one canonical way, without
 * query, fragment, user name or dot segments (draft-ietf-oauth-client-id-metadata-document §3).
 */
export function documentUrl(id: string): URL | undefined {
  if (id.length > LENGTH_MAX || !/^https:\/\/[\x21-\x7e]+$/.test(id) || !URL.canParse(id)) return undefined
  const url = new URL(id)
  const plain = url.search === '' && url.hash === '' && url.username === '' && url.password === ''
  return plain && url.href === id && !/[?#@]/.test(id) && url.pathname !== '/' && !hasDots(id)
    ? url
    : undefined
}

/** The parser takes plain ones away, and so the id is not canonical; those that are spelled otherwise, it may leave. */
function hasDots(id: string): boolean {
  return id.split('/').some((segment) => /^(?:\.|%2e){1,2}$/i.test(segment))
}
