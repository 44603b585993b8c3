import type { Raw } from './kinds.js';
import { NOT_YET, NOT_YET_MEMBERS } from './not-yet.js';
import { SECTIONS, SETTINGS } from './schema.js';
import { isRequired, presetOf, type Setting } from './setting.js';

/** `docs/configuration.md`, made from the schema: what is not in the table cannot be in the page. */
export function renderConfiguration(): string {
  return [
    HEAD,
    '## Settings\n',
    table(Object.values(SETTINGS), true),
    '## Sections of a file\n',
    'Lists of maps; their members have no environment names. Members with a dot are nested maps.\n',
    ...Object.entries(SECTIONS).flatMap(([name, { description, members }]) => [
      `### \`${name}\`\n`,
      `${description}\n`,
      table(Object.values(members), false),
    ]),
    '## Not supported yet\n',
    'These names of the specification are refused, so that nobody believes in what is not there:\n',
    `${[...NOT_YET, ...NOT_YET_MEMBERS].map((name) => `\`${name}\``).join(', ')}.\n`,
  ].join('\n');
}

const HEAD = `<!-- Made from src/config/schema.ts by \`npx postern config doc --write\`. Do not edit. -->

# Configuration

A setting has one name, in the file and in the environment. The environment wins over the file, the file over the default. The file is
YAML and is named by \`POSTERN_PROFILE\`: \`local\` is \`config/local.yaml\`, any other value is the path of a file; unset, there is the
environment alone. \`npm start\` uses the profile \`local\` unless \`POSTERN_PROFILE\` says otherwise.

- Every fault is told at once, with its name and what to do, and the gateway does not start.
- An unknown name in the file is a fault. An environment name that is one slip away from a setting is a warning.
- Set but empty is a fault, except for lists, where it means: nothing.
- Relative paths count from the folder of the package, whatever the working directory is.
- \`staging\` rehearses production: what is refused in the one is refused in the other.

\`config/production.example.yaml\` holds every setting with a comment. Editors that know the YAML language server complete and check a
file that begins with \`# yaml-language-server: $schema=postern.schema.json\` (\`config/postern.schema.json\`, made from the same table).

\`\`\`sh
npx postern config check local
npx postern config show local
\`\`\`

\`check\` says whether a configuration would start, and every fault if not; it ends with 0 or 1, so that it can stand in a pipeline. \`show\`
lists every setting, its value and where it comes from. Both take \`local\` or the path of a file, \`--json\`, and \`--no-env\` to judge a file by itself.

## Secrets

A secret is a setting marked so below. It may stand in a file of its own: \`<NAME>_FILE\` (in a section \`<name>_file\`) names it.

- Of the two names one may stand in one place; the environment's, whichever it is, wins over the file's.
- One line end at the end of such a file is not part of the secret; nothing else is dropped. An empty file is a fault.
- Outside \`dev\` and \`test\` the file must not be open to everybody (\`chmod o= FILE\`). Its group may read it: containers mount secrets so.
- A secret prints as \`[sealed]\`, and no fault repeats it.
- A key that is short or does not look random is refused, and so is one key in two places.

## The three switches

\`SECRETS_API_REQUIRE_AUTH\`, \`ENABLE_AUTHORIZATION\` and \`SECRETS_ENFORCE_SCOPES\` are true. In \`dev\` and \`test\` each can be switched off, to work
on one thing without the others; anywhere else \`false\` is refused at start. A gateway with one off shouts it at every start, in the log and on the
terminal, and says it in every audit record (\`switches_off\`).

- \`SECRETS_API_REQUIRE_AUTH=false\`: whoever sends no credentials is the subject \`anonymous\` of \`TENANT_ID\`, for policies
  \`service::"urn:postern:anonymous#anonymous"\`, with every scope but \`secrets.admin\`. What is sent is judged all the same: a bad token is refused.
- \`ENABLE_AUTHORIZATION=false\`: what passes the mount check is permitted, under the decision id \`disabled\` and the default limits. Policies are not
  read.
- \`SECRETS_ENFORCE_SCOPES=false\`: a token's scopes are not looked at. Policies decide as ever.

## What is refused outside dev and test

A gateway does not start in \`production\` or \`staging\`, and says all of it at once, with: a switch off · \`ALLOW_UNBOUND_TOKENS\` · \`DPOP_NONCE=off\` ·
\`PUBLIC_ORIGIN\` or an issuer's \`jwks_uri\` over http, other than on a loopback address · \`STORE=memory\` · \`AUDIT_SINK=file\` · the development issuer ·
a key or salt that is short, not random, or stands in two places · \`TRUSTED_PROXY_CIDRS\` wider than a private network (IPv4 /8, IPv6 /7) · no issuer ·
no tenant, no provider · a tenant without mounts · a key file, a file of settings with a secret in it or a YAML vault that everybody on the machine can use · no \`PUBLIC_ORIGIN\`, \`ROOT_KEY\` or salt.
`;

function table(settings: readonly Setting<unknown>[], withPresets: boolean): string {
  const rows = settings.map((setting) => {
    const { name, kind, unit, secret, description } = setting;
    const type = cell(unit === undefined ? kind.says : `${kind.says} (${unit})`);
    const notes = secret === true ? `Secret. ${description}` : description;
    return `| \`${name}\` | ${type} | ${presets(setting, withPresets)} | ${cell(notes)} |`;
  });
  return ['| name | type | default | |', '| --- | --- | --- | --- |', ...rows, ''].join('\n');
}

/** Both, where dev and test differ from the rest. */
function presets(setting: Setting<unknown>, withPresets: boolean): string {
  const usual = shownPreset(presetOf(setting, 'production'), isRequired(setting, 'production'));
  const [dev, test] = (['dev', 'test'] as const).map((environment) =>
    shownPreset(presetOf(setting, environment), isRequired(setting, environment)),
  );
  if (!withPresets || (usual === dev && usual === test)) return usual;
  return dev === test ? `${usual}; dev, test: ${dev}` : `${usual}; dev: ${dev}; test: ${test}`;
}

function shownPreset(preset: Raw | undefined, required: boolean): string {
  if (required) return 'required';
  return preset === undefined ? 'unset' : `\`${typeof preset === 'string' ? preset : JSON.stringify(preset)}\``;
}

function cell(text: string): string {
  return text.replaceAll('|', String.raw`\|`);
}
