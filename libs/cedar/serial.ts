import type { Defects, SourceFile } from './defects.js';
import { readYaml, unknownMembers } from './yaml-text.js';

/** `policy-set.yaml` holds the serial of this edition, which rises with each: a gateway never goes back to an older one. */
export function readSerial(edition: SourceFile | number, defects: Defects): number | undefined {
  if (typeof edition === 'number') return edition;
  const yaml = readYaml(edition, defects);
  if (yaml === undefined) return undefined;
  const { serial } = yaml.value;
  for (const name of unknownMembers(yaml.value, ['serial'])) {
    defects.add(edition.path, yaml.lineOf([name]), `${name} is not known here; known is serial`);
  }
  if (typeof serial === 'number' && Number.isSafeInteger(serial) && serial >= 1) return serial;
  defects.add(
    edition.path,
    yaml.lineOf(['serial']),
    'write serial: a whole number from 1, higher than the last edition',
  );
  return undefined;
}
