import { z } from 'zod'
import {
  type AccessToken,
  checkedLineage,
  type Delegation,
  delegation,
  type Lineage,
  lineageClaims,
  type VerifiedHeader,
} from './access-token.ts'
import { absent, parseClaims, text } from './claims.ts'
import { isJwtType } from './jwt-type.ts'
import { TRANSACTION_TOKEN_SECONDS, TYP_TRANSACTION_TOKEN } from './names.ts'
import { Refusal } from './refusal.ts'

/** The claims of a transaction token (draft-ietf-oauth-transaction-tokens §8), as they travel: never those of an access token. */
const claimsSchema = z.looseObject({
  ...lineageClaims,
  req_wl: text,
  client_id: absent,
  may_act: absent,
  dlg: delegation.omit({ res: true, sub: true }).extend({ to: text }),
})

/**
 * A verified transaction token: who the user is and who acted, told beside a credential that may say neither. Its audience
 * is the trust domain. Alone it authorises nothing; it is no {@link AccessToken}, so that none is taken for the other.
 */
export interface TransactionToken extends Lineage {
  /** The client that asked for it (`req_wl`): who calls. */
  readonly requester: string
  readonly delegation: Delegation & {
    /** The one client that may exchange it. */
    readonly to: string
  }
}

/** What the verifier knows beforehand. `now` is in seconds. */
export interface TransactionExpected {
  readonly issuer: string
  /** The client that holds it; undefined: one that cannot know its own name. */
  readonly to: string | undefined
  readonly now: number
}

/** The trust domain of a deployment: the host, with its port, of its `publicUrl`. No transaction token leaves it. */
export function trustDomainOf(issuer: string): string {
  return new URL(issuer).host
}

/**
 * The claims validator of one JWT kind: the transaction token. The signature is verified before.
 *
 * Throws {@link Refusal} with the code of the first rule broken: `type`, `claims`, `issuer`, `audience` (another trust
 * domain, or another client), `expired`, `not_yet`, `binding`, `chain`, `depth`, `loop`, `subject`.
 */
export function parseTransactionToken(
  header: VerifiedHeader,
  payload: unknown,
  { issuer, to, now }: TransactionExpected,
): TransactionToken {
  if (!isJwtType(header.typ, TYP_TRANSACTION_TOKEN))
    throw new Refusal('type', `typ must be ${TYP_TRANSACTION_TOKEN}`)
  const claims = parseClaims(claimsSchema, payload)
  const lineage = checkedLineage(header, claims, { issuer, audience: trustDomainOf(issuer), now })
  if (claims.exp - claims.iat > TRANSACTION_TOKEN_SECONDS)
    throw new Refusal('claims', 'it lives longer than a transaction token may')
  if (to !== undefined && claims.dlg.to !== to) throw new Refusal('audience', 'it names another client')
  return { ...lineage, delegation: claims.dlg, requester: claims.req_wl }
}

/**
 * Checks that a transaction token was issued beside this very access token: no chain is borrowed from another call.
 * Throws {@link Refusal} `subject` where it tells of another token, user or transaction.
 */
export function checkBeside(
  { delegation, account, transaction }: TransactionToken,
  token: AccessToken,
): void {
  const together = delegation.anc.at(-1) === token.jti
  if (!together || account !== token.account || transaction !== token.transaction)
    throw new Refusal('subject', 'the two tokens were not issued together')
}
