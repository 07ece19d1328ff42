/** Our account of a person: a random id, never reassigned, for (`issuer`, `subject`) of an identity provider. */
export interface Account {
  readonly id: string
  readonly issuer: string
  readonly subject: string
  /** Milliseconds. */
  readonly createdAt: number
}

export interface AccountStore {
  byId(id: string): Promise<Account | undefined>
  bySubject(issuer: string, subject: string): Promise<Account | undefined>
  /** False, and nothing written, when (`issuer`, `subject`) has an account already. */
  insert(account: Account): Promise<boolean>
}
