import type { Actor } from '@tetrapod/protocol'
import type { Json } from '#kernel'

/** `username` is a personal value: it is sealed beside the record, like the arguments. */
export interface AuditUser {
  /** Our own opaque account id. */
  readonly id: string
  readonly username?: string | undefined
}

/** What the policy said. `rule` names what decided; absent when no rule permits. */
export interface Verdict {
  readonly effect: 'permit' | 'deny'
  readonly rule?: string | undefined
}

/** Who asked for what with which right: what a call and an exchange have in common. */
export interface Authority {
  /** `txn` of the token: constant over the chain. */
  readonly txn: string
  /** The grant's id. */
  readonly grant: string
  /** The agent the user granted. */
  readonly agent: string
  /** Who acted, outermost first. */
  readonly chain: readonly Actor[]
  /** The OAuth client that presented the token. */
  readonly client: string
  /** The server that is called; for an exchange, the server that asks, or at whose mount the agents work. */
  readonly server: string
  /** Who the next credential is for. */
  readonly audience: string
  /** What the next credential may do. */
  readonly scopes: readonly string[]
  /** The credential pattern (`token_exchange`). */
  readonly pattern: string
  readonly policy: Verdict
  /** Why it was refused: the code of a fault, never free text. */
  readonly reason?: string | undefined
}

interface Presented {
  readonly user: AuditUser
  /** `jti` of the token presented. The log keeps its SHA-256. */
  readonly jti: string
}

/** A call at the gateway, before its effect. A refused one has `policy.effect` `deny`. */
export interface DecisionInput extends Authority, Presented {
  /** The MCP method. */
  readonly method: string
  readonly tool?: string | undefined
  /** The inputs. The log keeps their HMAC, and beside it the inputs themselves, sealed for this user and day. */
  readonly arguments?: Json | undefined
  readonly protocolVersion: string
}

/** An exchange at the token endpoint, before signing (RFC 8693). */
export interface ExchangeInput extends Authority, Presented {
  /** The API that a server asks for. */
  readonly api?: string | undefined
  /** The sub-agent that an agent hands on to. With neither, a sub-agent asks for the mount. */
  readonly delegate?: string | undefined
  /** `jti` of the token to be signed, chosen beforehand; absent when refused. The log keeps its SHA-256. */
  readonly issued?: string | undefined
}

export type EventInput =
  | {
      readonly kind: 'grant_given'
      readonly user: AuditUser
      readonly agent: string
      readonly grant: string
      readonly version: number
      /** By server key: the scopes granted there. */
      readonly mounts: Readonly<Record<string, readonly string[]>>
    }
  | {
      readonly kind: 'grant_revoked'
      readonly user: AuditUser
      readonly agent: string
      readonly grant: string
      /** `agent`: its registration is gone, by its own word. */
      readonly by: 'user' | 'operator' | 'agent'
    }
  | {
      readonly kind: 'sign_in'
      readonly user: AuditUser
      /** The identity provider's key in the catalogue. */
      readonly provider: string
      /** `sid` of the tokens that come from it. */
      readonly session: string
      readonly acr: string
    }
  | {
      /** Token 1, before it is signed. */
      readonly kind: 'token_issued'
      readonly user: AuditUser
      readonly agent: string
      /** What it was given for. */
      readonly via: 'code' | 'refresh'
      readonly grant: string
      /** The login of the agent. */
      readonly family: string
      readonly txn: string
      readonly server: string
      readonly scopes: readonly string[]
      /** `jti` of the token to be signed. The log keeps its SHA-256. */
      readonly issued: string
    }
  | {
      /** A client that proved who it is asked for a refresh in vain. */
      readonly kind: 'refresh_refused'
      readonly client: string
      /** The login that the token was made for; absent when we did not make it. */
      readonly family?: string | undefined
      /** The code of a fault or of OAuth, never free text. */
      readonly reason: string
    }
  | {
      /** An operator stopped an agent, or let it go on; an agent registered itself, changed that, or took it back. */
      readonly kind: 'agent_changed'
      readonly agent: string
      readonly change: 'registered' | 'changed' | 'deregistered' | 'disabled' | 'enabled'
      readonly by: 'operator' | 'agent'
    }
  | {
      readonly kind: 'sign_out'
      readonly user: AuditUser
      /** `sid` of the tokens that ended with it; absent where all of the user's did. */
      readonly session?: string | undefined
      readonly by: 'user' | 'operator'
    }
  | {
      /** A client asked for an exchange with a token that told nothing of a user: it was not verified, or not looked at. */
      readonly kind: 'exchange_refused'
      readonly client: string
      /** The code of a fault. */
      readonly reason: string
    }
  | {
      /** A client took back a token of its own, and with it every token that came from it (RFC 7009). */
      readonly kind: 'token_revoked'
      readonly user: AuditUser
      readonly agent: string
      readonly grant: string
      readonly client: string
      /** Of the token. The log keeps its SHA-256. */
      readonly jti: string
    }
  | {
      /** The configuration was edited: what it is from now on. */
      readonly kind: 'catalogue_changed'
      /** SHA-256 of the text, in hex, before and after. */
      readonly before: string
      readonly after: string
      /** Names of parties and edges (`agent planner`), never of people. */
      readonly added: readonly string[]
      readonly removed: readonly string[]
    }
  | {
      /** An operator had the next signing key made, or let it sign at once. */
      readonly kind: 'key_rotated'
      readonly kid: string
      /** Milliseconds: from when it signs. */
      readonly signsAt: number
    }
  | {
      /** An operator withdrew a signing key: no token that it signed is accepted any more. */
      readonly kind: 'key_revoked'
      readonly kid: string
    }

/**
 * How a permitted call ended. `ok`: the tool answered. `error`: it answered with an error. `rejected`, `denied`, `failed`:
 * it was not answered by the tool (the kind of the fault). `revoked`: cut off by a revocation.
 * `step_up`: the tool did not go on without scopes that the call lacked.
 */
export type OutcomeStatus = 'ok' | 'error' | 'rejected' | 'denied' | 'failed' | 'revoked' | 'step_up'

export interface Outcome {
  readonly status: OutcomeStatus
  /** The code of a fault or of a JSON-RPC error, never free text. */
  readonly reason?: string | undefined
  readonly milliseconds: number
}

/** What became of an exchange or an event after it was recorded: its effect did not come (`failed`), or may not have. */
export interface Amendment {
  readonly status: 'failed' | 'unknown'
  /** The code of a fault, never free text. */
  readonly reason: string
}
