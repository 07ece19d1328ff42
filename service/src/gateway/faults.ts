import { faults } from '#kernel'

export const fault = faults('gateway', {
  method_not_allowed: ['invalid', 'Only POST is served here (MCP 2026-07-28).'],
  origin_refused: ['denied', 'This Origin may not call the gateway from a browser.'],
  token_missing: [
    'unauthenticated',
    'Send an access token for this resource. The resource metadata says where to get one.',
  ],
  token_refused: [
    'unauthenticated',
    'The access token does not hold here. Get a new one where the resource metadata says.',
  ],
  media_type: ['invalid', 'Send application/json.'],
  json_malformed: ['invalid', 'The body is not JSON, or nests too deep, or names a member twice.'],
  request_malformed: [
    'invalid',
    'The body is not one JSON-RPC 2.0 request: members jsonrpc, id, method and params, the id a string or an integer, no batch.',
  ],
  meta_missing: [
    'invalid',
    'params._meta must hold io.modelcontextprotocol/protocolVersion and io.modelcontextprotocol/clientCapabilities.',
  ],
  header_mismatch: [
    'invalid',
    'MCP-Protocol-Version, Mcp-Method and Mcp-Name must be sent and must equal what the body says.',
  ],
  version_unsupported: [
    'invalid',
    'This protocol version is not served here. The supported ones are listed in the error data.',
  ],
  method_unknown: ['missing', 'This method is not served here.'],
  params_invalid: [
    'invalid',
    'The params of this method are malformed, or hold a member that is not served here.',
  ],
  tool_unknown: ['missing', 'Unknown tool. tools/list shows the tools there are.'],
  policy_denied: ['denied', 'Unknown tool. tools/list shows the tools there are.'],
  scope_missing: [
    'denied',
    'The token lacks a scope that this tool needs. Ask the user for the scopes in the challenge.',
  ],
  cancelled: ['unavailable', 'The client closed the connection before the answer, which cancels the call.'],
  upstream_unavailable: [
    'unavailable',
    'The MCP server behind the gateway cannot be reached or did not answer in time. Try again shortly.',
  ],
  upstream_refused: [
    'unavailable',
    'The MCP server behind the gateway refused what the gateway calls it with. An operator has to mend this: with a token of ours, the server’s `resource` and the catalogue’s `url` must be the same; with `pre_injected`, the server must take the key that the catalogue refers to.',
  ],
  upstream_malformed: [
    'unavailable',
    'The MCP server behind the gateway answered with something that is not MCP.',
  ],
})
