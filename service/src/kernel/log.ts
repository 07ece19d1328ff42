/** Where the service says what an operator should know. Never a secret, a token, an argument or a personal value. */
export interface Log {
  info(members: object, message: string): void
  warn(members: object, message: string): void
  error(members: object, message: string): void
}
