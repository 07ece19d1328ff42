import { grantedUntil } from '#grants'
import { hashed } from '#kernel'
import type { CredentialRequest } from './upstream-credential.ts'

/** What a request for a credential can have beside the request itself. Nothing gives any of them yet. */
export interface CredentialTerms {
  /** RFC 9396, in canonical JSON. */
  readonly authorizationDetails?: string
  /** The thumbprint of the key that the credential is bound to (RFC 7638). */
  readonly bindingKey?: string
  /** The catalogue key of the identity provider that gives it. */
  readonly provider?: string
  /** The id of the user's connection that it comes from. */
  readonly connection?: string
}

/** Stands for what a request does not have. */
const ABSENT = '-'

/**
 * The name under which a credential is remembered: a digest of everything that changes it (DESIGN §4.7). All that the
 * presented token says is part of it, so its subject, session, chain, authentication, lineage, end and `jti`: whatever a
 * token comes to say later, two that differ never share.
 */
export function credentialKey(
  { subject, grant, server, scopes }: CredentialRequest,
  { authorizationDetails, bindingKey, provider, connection }: CredentialTerms = {},
): string {
  const { key, mount, url } = server
  const parts = [
    { ...subject, scopes: [...subject.scopes].sort() },
    [grant.id, grant.version, grantedUntil(grant, key)],
    [key, mount, url],
    [...scopes].sort(),
    authorizationDetails ?? ABSENT,
    bindingKey ?? ABSENT,
    provider ?? ABSENT,
    connection ?? ABSENT,
  ]
  return hashed(JSON.stringify(parts))
}
