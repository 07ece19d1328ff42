/** Who and what a rule is about. An absent list matches anything; names may end in or contain `*` only where said. */
export interface RuleTerms {
  /** Built-in user names or account ids. */
  readonly users?: readonly string[] | undefined
  readonly groups?: readonly string[] | undefined
  /** Client ids; `DYNAMIC` for every agent that no operator listed. */
  readonly agents?: readonly string[] | undefined
  /** The server called; for an exchange, the server that asks. */
  readonly servers?: readonly string[] | undefined
  /** Tool names; `*` stands for any run of characters. */
  readonly tools?: readonly string[] | undefined
  /** The API an exchange is for. A permit with `apis` is about exchanges alone, one without about calls alone. */
  readonly apis?: readonly string[] | undefined
}

export interface Rule {
  /** Its place in the configuration, from 1: `policies[1]`. */
  readonly id: string
  readonly effect: 'permit' | 'forbid'
  readonly terms: RuleTerms
}

/** What a rule calls the agents that no operator listed: those that registered themselves above all. */
export const DYNAMIC = 'dynamic'

/** Who asks. `agents` are the agents of the chain, outermost first. */
export interface PolicySubject {
  readonly user: string
  readonly username: string
  readonly groups: readonly string[]
  readonly agents: readonly string[]
  /** Those of `agents` that no operator listed. A permit must speak of them to be for them. */
  readonly unlisted: readonly string[]
}

/** What for: a tool of a server, an API that a server asks a token for, or a server: whether any tool of it could be called. */
export type PolicyTarget =
  | { readonly kind: 'tool'; readonly server: string; readonly tool: string }
  | { readonly kind: 'api'; readonly server: string; readonly api: string }
  | { readonly kind: 'server'; readonly server: string }

/** `rule` names what decided: a forbid, the first permit, or nothing (no rule permits). */
export type Decision =
  | { readonly effect: 'permit'; readonly rule: string }
  | { readonly effect: 'deny'; readonly rule: string | undefined }

export interface Policy {
  /** The same question, the same answer: for a list, for a call, for an exchange. */
  decide(subject: PolicySubject, target: PolicyTarget): Decision
}
