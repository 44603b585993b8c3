import { CODES, type Code } from '#libs/kernel/codes.js';

import { GUIDE } from './error-guide.js';
import { PROBLEMS, problemType } from './problems.js';

const HEAD = `# Errors

This page is rendered from \`src/http/problems.ts\` and \`src/http/error-guide.ts\`; a test compares them.

Every refusal is \`application/problem+json\` (RFC 9457):

| member | |
| --- | --- |
| \`type\` | \`urn:postern:problem:\` and the code in kebab-case; stable for ever, not to be fetched |
| \`title\` | one constant sentence per code |
| \`status\` | as in the status line |
| \`code\` | what programs branch on; stable for ever |
| \`detail\` | sometimes: what to do. Repeats only what the caller sent |
| \`resets_at\` | with \`QUOTA_EXHAUSTED\`: when the period ends, RFC 3339 |
| \`request_id\`, \`correlation_id\` | as in \`X-Request-ID\` and \`X-Correlation-ID\` |

Every answer is \`Cache-Control: no-store\`. \`Postern-Receipt\` stands on each answer with a durable audit record, refusals included. Every 401
carries \`WWW-Authenticate: DPoP algs="ES256 Ed25519"\` (and \`Bearer\` where tokens without a proof are taken: unbound ones, or those that are
bound to a certificate); each challenge names the metadata of RFC 9728 as \`resource_metadata\`. The error word of OAuth stands there and nowhere
else, and only when a credential was sent.`;

/** `docs/errors.md`, whole. */
export function renderErrors(): string {
  return `${[HEAD, overview(), ...CODES.map(section)].join('\n\n')}\n`;
}

function overview(): string {
  const statuses = [...new Set(CODES.map((code) => PROBLEMS[code].status))].sort((a, b) => a - b);
  const rows = statuses.map((status) => {
    const codes = CODES.filter((code) => PROBLEMS[code].status === status);
    return `| ${status} | ${codes.map((code) => `[${code}](#${code.toLowerCase()})`).join(' · ')} |`;
  });
  return ['| status | codes |', '| --- | --- |', ...rows].join('\n');
}

function section(code: Code): string {
  const { status, title, oauth, retryAfterSeconds } = PROBLEMS[code];
  const { meaning, remedy } = GUIDE[code];
  const facts = [
    `${status}`,
    `\`${problemType(code)}\``,
    ...(oauth === undefined ? [] : [`\`error="${oauth}"\``]),
    ...(retryAfterSeconds === undefined ? [] : ['`Retry-After`']),
  ];
  return `## ${code}\n\n${title}. ${facts.join(' · ')}\n\n${meaning}\n\n**What to do.** ${remedy}`;
}
