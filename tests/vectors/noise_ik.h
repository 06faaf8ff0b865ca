/* Source: noise-c, tests/vector/noise-c-basic.txt (rweather/noise-c, commit cfe25410),
 * Noise_IK_25519_ChaChaPoly_SHA512; numbers only. */
#ifndef TESTS_VECTORS_NOISE_IK_H
#define TESTS_VECTORS_NOISE_IK_H

static const struct {
	const char *prologue, *init_static, *init_ephemeral, *resp_static, *resp_ephemeral,
		*resp_public, *first_payload, *first, *second_payload, *second, *third_payload, *third,
		*fourth_payload, *fourth, *hash;
} noise_ik = {
	.prologue = "50726f6c6f677565313233",
	.init_static = "e61ef9919cde45dd5f82166404bd08e38bceb5dfdfded0a34c8df7ed542214d1",
	.init_ephemeral = "893e28b9dc6ca8d611ab664754b8ceb7bac5117349a4439a6b0569da977c464a",
	.resp_static = "4a3acbfdb163dec651dfa3194dece676d437029c62a408b4c5ea9114246e4893",
	.resp_ephemeral = "bbdb4cdbd309f1a1f2e1456967fe288cadd6f712d65dc7b7793d5e63da6b375b",
	.resp_public = "31e0303fd6418d2f8c0e78b91f22e8caed0fbe48656dcf4767e4834f701b8f62",
	.first_payload = "4c756477696720766f6e204d69736573",
	.first = "ca35def5ae56cec33dc2036731ab14896bc4c75dbb07a61f879f8e3afa4c7944"
			 "7a2281c0f1aee0c48c41333a1abbb349ee4bf12e09f8c4fd66635aabbb7dad34"
			 "5826d359e4bd6ebee659f5c6cb3d2d4e"
			 "d12f7c7ffc9fe5513818d9cf9b8778d1502f90649c42ab4a1e3df7199a3d6a13",
	.second_payload = "4d757272617920526f746862617264",
	.second = "95ebc60d2b1fa672c1f46a8aa265ef51bfe38e7ccb39ec5be34069f144808843"
			  "f58050451a0edd2a40bb8b0f6b51ea63e1f1f429f1afd583e5d6e53f44da1e",
	.third_payload = "462e20412e20486179656b",
	.third = "cae0b6af5460d026e80e22c27572a92048176872538f91a056a8df",
	.fourth_payload = "4361726c204d656e676572",
	.fourth = "ab1440d2b5892c638a11a7fa6412beaea5cee62342147f02d75a68",
	.hash = "48d8b650f042c4767cf1f3c26b22ccdd4bc8cff341166603109954eab8a9bd20"
			"915d284b6b618a325e93a8e949a23f4b62ba3094aad0b640c14cbd4f14ccd1e1",
};

#endif
