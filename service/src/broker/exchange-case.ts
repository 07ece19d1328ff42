import type { Grant } from '#grants'
import type { Decision } from '#policy'
import type { Server } from '#servers'
import type { User } from '#users'
import type { Caller } from './callers.ts'
import type { SubjectToken } from './subjects.ts'
import type { Target } from './targets.ts'

/** Who asks, for what, with which verified token. */
export interface Presented {
  readonly caller: Caller
  readonly target: Target
  readonly subject: SubjectToken
  /** At whose mount the subject's scopes count. */
  readonly server: Server
}

/** What an exchange is decided on. */
export interface Case extends Presented {
  readonly grant: Grant
  readonly user: User
  readonly decision: Decision
}

/** Who will have acted next: the caller, or whom it hands on to. */
export function nextKey({ caller, target }: Presented): string {
  return target.kind === 'delegate' ? target.agent : caller.key
}
