/** A host whose metadata documents are accepted, with a port where it is not 443. `*` stands for any. */
export interface DocumentHost {
  readonly host: string
  /** It may have a private address. */
  readonly private: boolean
}

/**
 * The hosts of the clients we have tried, for who names none. As of 2026-11-24 they publish: Claude and Claude Code
 * (claude.ai), ChatGPT and Codex (chatgpt.com), Visual Studio Code (vscode.dev).
 */
export const presetHosts: readonly DocumentHost[] = ['claude.ai', 'chatgpt.com', 'vscode.dev'].map(
  (host) => ({
    host,
    private: false,
  }),
)

/** How a host stands: an operator wrote it down, `*` covers it, or it is none of ours. */
export function hostStanding(host: string, hosts: readonly DocumentHost[]): 'listed' | 'any' | undefined {
  if (hosts.some((one) => one.host === host)) return 'listed'
  return hosts.some((one) => one.host === '*') ? 'any' : undefined
}
