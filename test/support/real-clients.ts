/** One client as it really is: how it says who it is, and where it then wants the answer. Seen in November 2026. */
export interface RealClient {
  readonly name: string
  /** Where its metadata document is, if it has one. */
  readonly id?: string
  /** Its metadata document, or what it registers. */
  readonly metadata: Readonly<Record<string, unknown>> & { readonly redirect_uris: readonly string[] }
  /** The redirect URI it uses: with the port that was free, where it listens itself. */
  readonly redirectUri: string
  /** Scopes that it asks for beside those of the resource. */
  readonly scopes?: readonly string[]
}

const code = { grant_types: ['authorization_code', 'refresh_token'], response_types: ['code'] }
const JWT_BEARER = 'urn:ietf:params:oauth:grant-type:jwt-bearer'
const DEVICE_CODE = 'urn:ietf:params:oauth:grant-type:device_code'

const claude = 'https://claude.ai/oauth/mcp-oauth-client-metadata'
const claudeCode = 'https://claude.ai/oauth/claude-code-client-metadata'
const chatgpt = 'https://chatgpt.com/oauth/client.json'
const codex = 'https://chatgpt.com/oauth/codex/client.json'
const vscode = 'https://vscode.dev/oauth/client-metadata.json'

/** Those that publish a document (`client_id_metadata_document_supported`). */
export const withDocument: readonly (RealClient & { readonly id: string })[] = [
  {
    name: 'Claude (claude.ai, Desktop)',
    id: claude,
    metadata: {
      client_id: claude,
      client_name: 'Claude',
      client_uri: 'https://claude.ai',
      redirect_uris: ['https://claude.ai/api/mcp/auth_callback', 'https://claude.com/api/mcp/auth_callback'],
      grant_types: ['authorization_code', 'refresh_token', JWT_BEARER],
      response_types: ['code'],
      token_endpoint_auth_method: 'none',
    },
    redirectUri: 'https://claude.ai/api/mcp/auth_callback',
    scopes: ['offline_access'],
  },
  {
    name: 'Claude Code',
    id: claudeCode,
    metadata: {
      client_id: claudeCode,
      client_name: 'Claude Code',
      client_uri: 'https://claude.ai',
      redirect_uris: ['http://localhost/callback', 'http://127.0.0.1/callback'],
      ...code,
      token_endpoint_auth_method: 'none',
    },
    redirectUri: 'http://localhost:52163/callback',
  },
  {
    name: 'Codex',
    id: codex,
    metadata: {
      client_id: codex,
      client_name: 'Codex',
      redirect_uris: ['http://127.0.0.1/callback', 'http://localhost/callback'],
      ...code,
      token_endpoint_auth_method: 'none',
    },
    redirectUri: 'http://127.0.0.1:37819/callback',
  },
  {
    name: 'Visual Studio Code',
    id: vscode,
    metadata: {
      client_id: vscode,
      client_name: 'Visual Studio Code',
      client_uri: 'https://vscode.dev/product',
      logo_uri: 'https://vscode.dev/static/stable/code-192.png',
      application_type: 'native',
      redirect_uris: ['http://127.0.0.1:33418/', 'https://vscode.dev/redirect'],
      grant_types: ['authorization_code', 'refresh_token', DEVICE_CODE],
      response_types: ['code'],
      token_endpoint_auth_method: 'none',
    },
    redirectUri: 'http://127.0.0.1:51234/',
  },
]

/** ChatGPT signs: RS256, by a key set of its own, with our token endpoint as the audience. */
export const chatGpt = {
  name: 'ChatGPT',
  id: chatgpt,
  metadata: {
    client_id: chatgpt,
    client_uri: 'https://chatgpt.com/',
    redirect_uris: ['https://chatgpt.com/connector_platform_oauth_redirect'],
    token_endpoint_auth_method: 'private_key_jwt',
    token_endpoint_auth_methods_supported: ['none', 'private_key_jwt'],
    ...code,
    client_name: 'ChatGPT',
    logo_uri: 'https://persistent.oaistatic.com/sonic/misc/openai-logo.png',
    token_endpoint_auth_signing_alg: 'RS256',
    jwks_uri: 'https://chatgpt.com/oauth/jwks.json',
  },
  redirectUri: 'https://chatgpt.com/connector_platform_oauth_redirect',
  scopes: ['offline_access'],
} as const

/** What they register where there is no other way, or they know none (RFC 7591). */
export const registering: readonly RealClient[] = [
  {
    name: 'Claude (claude.ai, Desktop)',
    metadata: {
      client_name: 'Claude',
      ...code,
      redirect_uris: ['https://claude.ai/api/mcp/auth_callback'],
      token_endpoint_auth_method: 'client_secret_post',
      scope: 'crm.read',
    },
    redirectUri: 'https://claude.ai/api/mcp/auth_callback',
  },
  {
    name: 'Claude Code',
    metadata: {
      client_name: 'Claude Code (crm)',
      ...code,
      application_type: 'native',
      redirect_uris: ['http://localhost:3118/callback'],
      token_endpoint_auth_method: 'none',
    },
    redirectUri: 'http://localhost:3118/callback',
  },
  {
    name: 'Visual Studio Code',
    metadata: {
      client_name: 'Visual Studio Code',
      client_uri: 'https://code.visualstudio.com',
      grant_types: ['authorization_code', 'refresh_token', DEVICE_CODE],
      response_types: ['code'],
      redirect_uris: [
        'https://insiders.vscode.dev/redirect',
        'https://vscode.dev/redirect',
        'http://127.0.0.1/',
        'http://127.0.0.1:33418/',
      ],
      scope: 'crm.read offline_access',
      token_endpoint_auth_method: 'none',
      application_type: 'native',
    },
    redirectUri: 'http://127.0.0.1:40411/',
  },
  {
    name: 'Cursor',
    metadata: {
      client_name: 'Cursor',
      redirect_uris: [
        'cursor://anysphere.cursor-mcp/oauth/callback',
        'https://www.cursor.com/agents/mcp/oauth/callback',
        'http://localhost:8787/callback',
      ],
      token_endpoint_auth_method: 'none',
      ...code,
      scope: 'crm.read offline_access',
      logo_uri: 'https://www.cursor.com/cursorlogomcpv3.svg',
    },
    redirectUri: 'cursor://anysphere.cursor-mcp/oauth/callback',
  },
  {
    name: 'ChatGPT',
    metadata: {
      client_name: 'ChatGPT',
      redirect_uris: ['https://chatgpt.com/connector_platform_oauth_redirect'],
      ...code,
      token_endpoint_auth_method: 'none',
    },
    redirectUri: 'https://chatgpt.com/connector_platform_oauth_redirect',
  },
  {
    name: 'Codex',
    metadata: {
      client_name: 'Codex',
      redirect_uris: ['http://127.0.0.1:37819/callback/6MFBM1In3Ey-'],
      ...code,
      token_endpoint_auth_method: 'none',
      application_type: 'native',
    },
    redirectUri: 'http://127.0.0.1:37819/callback/6MFBM1In3Ey-',
  },
  {
    name: 'MCP Inspector',
    metadata: {
      redirect_uris: ['http://localhost:6274/oauth/callback', 'http://localhost:6274/oauth/callback/debug'],
      token_endpoint_auth_method: 'none',
      ...code,
      client_name: 'MCP Inspector',
      client_uri: 'https://github.com/modelcontextprotocol/inspector',
      scope: '',
    },
    redirectUri: 'http://localhost:6274/oauth/callback',
  },
  {
    name: 'mcp-remote',
    metadata: {
      redirect_uris: ['http://localhost:3334/oauth/callback'],
      token_endpoint_auth_method: 'none',
      ...code,
      client_name: 'MCP CLI Client',
      client_uri: 'https://github.com/modelcontextprotocol/mcp-cli',
      software_id: '2e6dc280-f3c3-4e01-99a7-8181dbd1d23d',
      software_version: '0.1.38',
      scope: 'openid email profile',
    },
    redirectUri: 'http://localhost:3334/oauth/callback',
    scopes: ['email', 'profile'],
  },
]
