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
- A secret may stand in a file of its own: \`<NAME>_FILE\` (in a section \`<name>_file\`) names it. Outside \`dev\` and \`test\` such a file must
  not be open to everybody. Secrets print as \`[sealed]\`.
- Relative paths count from the folder of the package, whatever the working directory is.
- \`staging\` rehearses production: what is refused in the one is refused in the other.

\`npx postern config check\` loads a configuration without starting anything.
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
