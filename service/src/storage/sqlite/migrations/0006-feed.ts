/** Its twin announces entries of the feed to other processes; a file has one. */
export const statements: readonly string[] = []
