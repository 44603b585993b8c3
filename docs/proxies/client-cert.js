// For nginx with its njs module: the value of Client-Cert (RFC 9440 section 2.1), the DER bytes of the client's certificate in base64
// between colons. PEM (RFC 7468) is the same base64 between two marker lines. Empty, so that no field is sent, unless nginx has verified
// the certificate in this very connection.

/** @param {{ variables: Record<string, string | undefined> }} request */
function header(request) {
  const pem = request.variables.ssl_client_raw_cert;
  if (request.variables.ssl_client_verify !== 'SUCCESS' || !pem) return '';
  return ':' + pem.replace(/-----[A-Z ]+-----|\s/g, '') + ':';
}

export default { header };
