/**
 * The fingerprint of RSA keys that Infineon's library made (CVE-2017-15361, "ROCA"): their primes are powers of 65537 modulo many
 * small primes at once, so that they can be factored, and so is their product. A key that was made otherwise shows the fingerprint
 * with a probability of about 2^-27.
 */
export function isRoca(modulus: bigint): boolean {
  return RESIDUES.every(({ prime, powers }) => powers.has(Number(modulus % BigInt(prime))));
}

const PRIMES = [
  3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97, 101, 103, 107, 109, 113,
  127, 131, 137, 139, 149, 151, 157, 163, 167,
];

const RESIDUES = PRIMES.map((prime) => ({ prime, powers: powersOf(65_537, prime) }));

function powersOf(base: number, prime: number): ReadonlySet<number> {
  const powers = new Set<number>();
  for (let power = 1; !powers.has(power); power = (power * base) % prime) powers.add(power);
  return powers;
}
