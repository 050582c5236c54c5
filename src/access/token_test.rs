//! What is believed of a token, and everything that is not. `cloud_requests.rs` shows the same from outside.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::token::{LONGEST_LIFETIME, LONGEST_TOKEN, Time, TokenFault, check};
use super::{KeySet, KeySetError, Permission, Signer, Token};

const NOW: i64 = 1_795_342_272;
const GATEWAY: &str = "site-1";

fn signer() -> Signer {
    Signer::from_pem(Signer::new_pem().expect("random bytes").as_bytes()).expect("a key")
}

fn kid(signer: &Signer) -> String {
    signer.key_set().kids().next().expect("one").to_owned()
}

fn good() -> Value {
    json!({
        "sub": "anna@example.org", "role": "Operator", "permissions": ["manage_users", "fly"], "company": "acme",
        "aud": GATEWAY, "iat": NOW - 5, "exp": NOW + 300, "jti": "t-1",
    })
}

fn with(name: &str, value: Value) -> Value {
    let mut claims = good();
    claims[name] = value;
    claims
}

fn header(signer: &Signer) -> Value {
    json!({ "alg": "EdDSA", "kid": kid(signer), "typ": "JWT" })
}

fn judged(signer: &Signer, text: String, now: Time) -> Result<super::Claims, TokenFault> {
    check(&Token::new(text), &signer.key_set(), GATEWAY, now)
}

#[test]
fn a_good_token_says_who_may_do_what() {
    let signer = signer();
    let claims = judged(&signer, signer.sign(&header(&signer), &good()), Time::Known(NOW)).expect("good");
    assert_eq!((claims.sub.as_str(), claims.company.as_str()), ("anna@example.org", "acme"));
    let known: Vec<_> = claims.known_permissions().into_iter().collect();
    assert_eq!(known, [Permission::ManageUsers], "what the box does not know permits nothing");
    assert_eq!(judged(&signer, signer.token(&claims).expose().to_owned(), Time::Known(NOW)), Ok(claims));
}

#[test]
fn every_claim_that_is_missing_or_wrong_is_refused() {
    let signer = signer();
    let told = |claims: Value| judged(&signer, signer.sign(&header(&signer), &claims), Time::Known(NOW));
    for name in ["sub", "role", "permissions", "company", "aud", "iat", "exp", "jti"] {
        let mut claims = good();
        claims.as_object_mut().expect("an object").remove(name);
        assert_eq!(told(claims), Err(TokenFault::Claims), "without {name}");
        assert_eq!(told(with(name, Value::Null)), Err(TokenFault::Claims), "{name} is null");
    }
    let long = "x".repeat(255);
    for (name, value, fault) in [
        ("sub", json!(""), TokenFault::Claims),
        ("sub", json!("anna\nroot"), TokenFault::Claims),
        ("sub", json!("anna\u{202e}gro"), TokenFault::Claims),
        ("role", json!("Super\u{200b} Admin"), TokenFault::Claims),
        ("sub", json!(long), TokenFault::Claims),
        ("jti", json!(long), TokenFault::Claims),
        ("permissions", json!("manage_users"), TokenFault::Claims),
        ("iat", json!("1"), TokenFault::Claims),
        ("exp", json!(1.5), TokenFault::Claims),
        ("exp", json!(NOW - 5), TokenFault::Claims),
        ("aud", json!("site-2"), TokenFault::Audience),
        ("aud", json!(["site-1"]), TokenFault::Claims),
        ("exp", json!(NOW + LONGEST_LIFETIME), TokenFault::Lifetime),
        ("exp", json!(i64::MAX), TokenFault::Lifetime),
        ("iat", json!(NOW + 61), TokenFault::NotYet),
        ("nbf", json!(NOW + 61), TokenFault::NotYet),
    ] {
        assert_eq!(told(with(name, value.clone())), Err(fault), "{name} = {value}");
    }
    let mut old = with("iat", json!(NOW - 300));
    old["exp"] = json!(NOW - 60);
    assert_eq!(told(old.clone()), Err(TokenFault::Expired));
    old["exp"] = json!(NOW - 59);
    assert!(told(old).is_ok(), "clocks may be a minute apart");
    assert!(told(with("iat", json!(NOW + 60))).is_ok());
}

#[test]
fn every_header_that_is_not_ours_is_refused() {
    let (ours, other) = (signer(), signer());
    let told = |header: Value| judged(&ours, ours.sign(&header, &good()), Time::Known(NOW));
    let own = kid(&ours);
    for (header, fault) in [
        (json!({ "alg": "none", "kid": own, "typ": "JWT" }), TokenFault::Algorithm),
        (json!({ "alg": "None", "kid": own, "typ": "JWT" }), TokenFault::Algorithm),
        (json!({ "alg": "HS256", "kid": own, "typ": "JWT" }), TokenFault::Algorithm),
        (json!({ "alg": "eddsa", "kid": own, "typ": "JWT" }), TokenFault::Algorithm),
        (json!({ "kid": own, "typ": "JWT" }), TokenFault::Malformed),
        (json!({ "alg": "EdDSA", "kid": own, "typ": "JWT", "crit": ["b64"], "b64": false }), TokenFault::Critical),
        (json!({ "alg": "EdDSA", "kid": own, "typ": "JWT", "crit": [] }), TokenFault::Critical),
        (json!({ "alg": "EdDSA", "kid": own, "typ": "jwk-set+jwt" }), TokenFault::Type),
        (json!({ "alg": "EdDSA", "kid": own }), TokenFault::Type),
        (json!({ "alg": "EdDSA", "typ": "JWT" }), TokenFault::UnknownKey),
        (json!({ "alg": "EdDSA", "kid": kid(&other), "typ": "JWT" }), TokenFault::UnknownKey),
        (json!("EdDSA"), TokenFault::Malformed),
    ] {
        assert_eq!(told(header.clone()), Err(fault), "{header}");
    }
    let forged = other.sign(&header(&ours), &good());
    assert_eq!(judged(&ours, forged, Time::Known(NOW)), Err(TokenFault::Signature), "our kid, another key");
    let token = ours.sign(&header(&ours), &good());
    assert_eq!(
        check(&Token::new(token.clone()), &KeySet::default(), GATEWAY, Time::Known(NOW)),
        Err(TokenFault::NoKeys)
    );
    let unsigned = token.rsplit_once('.').expect("a dot").0;
    let unsigned = [format!("{unsigned}."), unsigned.to_owned(), format!("{token}."), format!(".{token}")];
    for text in unsigned.into_iter().chain([String::new(), "..".into(), "a.b.c".into(), format!("{token}=")]) {
        assert!(judged(&ours, text.clone(), Time::Known(NOW)).is_err(), "{text}");
    }
    assert_eq!(judged(&ours, "x".repeat(LONGEST_TOKEN + 1), Time::Known(NOW)), Err(TokenFault::TooLong));
}

#[test]
fn without_a_clock_the_latest_time_that_was_seen_decides() {
    let signer = signer();
    let told = |now| judged(&signer, signer.sign(&header(&signer), &good()), now).map(|_| ());
    assert_eq!(Time::from_clock(0, NOW - 86_400), Time::AtLeast(NOW - 86_400));
    assert_eq!(told(Time::from_clock(0, NOW - 86_400)), Ok(()), "made after the box lost its time: nobody can tell");
    assert_eq!(told(Time::from_clock(0, NOW + 400)), Err(TokenFault::Expired), "over before the box lost its time");
    assert_eq!(told(Time::from_clock(NOW - 86_400, 0)), Err(TokenFault::NotYet), "a clock that is merely slow is told");
    assert_eq!(Time::from_clock(NOW, NOW + 60), Time::Known(NOW + 60), "the cloud's clock may be a little ahead");
    assert_eq!(Time::from_clock(NOW, NOW + 61), Time::AtLeast(NOW + 61));
    assert_eq!(Time::from_clock(NOW, 5), Time::Known(NOW));
}

#[test]
fn a_key_set_is_read_as_the_rfc_has_it_and_private_keys_are_sent_back() {
    let signer = signer();
    let set = signer.key_set();
    assert_eq!(KeySet::read(set.to_json().to_string().as_bytes()), Ok(set.clone()));
    let mut file = set.to_json();
    file["keys"].as_array_mut().expect("keys").push(json!({ "kty": "RSA", "kid": "r", "n": "AQAB", "e": "AQAB" }));
    assert_eq!(KeySet::read(file.to_string().as_bytes()), Ok(set.clone()), "other kinds are passed over");
    let told = |change: &dyn Fn(&mut Value)| {
        let mut file = set.to_json();
        change(&mut file["keys"][0]);
        KeySet::read(file.to_string().as_bytes()).expect_err("refused")
    };
    assert_eq!(told(&|key| key["d"] = json!("nWGxne")), KeySetError::Private(1));
    assert_eq!(told(&|key| key["kty"] = json!("EC")), KeySetError::Empty);
    assert!(matches!(told(&|key| key["kid"] = Value::Null), KeySetError::Key { number: 1, .. }));
    assert!(matches!(told(&|key| key["x"] = json!("AQAB")), KeySetError::Key { number: 1, .. }));
    let mut twice = set.to_json();
    let key = twice["keys"][0].clone();
    twice["keys"].as_array_mut().expect("keys").push(key);
    assert!(matches!(KeySet::read(twice.to_string().as_bytes()), Err(KeySetError::Key { number: 2, .. })));
    assert_eq!(KeySet::read(b"[]"), Err(KeySetError::Form));
    assert_eq!(KeySet::read(b"{\"keys\":[]}"), Err(KeySetError::Empty));
}

#[test]
fn keys_change_only_on_the_word_of_a_key_in_use_and_never_back() {
    let (first, second, stranger) = (signer(), signer(), signer());
    let (old, new, now) = (first.key_set(), second.key_set(), Time::Known(NOW));
    let order = first.rotation(&new, NOW);
    assert_eq!(old.next(&order, 0, now), Ok((new.clone(), NOW)));
    assert_eq!(old.next(&order, NOW, now), Err(TokenFault::Older), "the same again");
    assert!(new.came_with(&order, NOW) && !new.came_with(&order, NOW - 1) && !old.came_with(&order, NOW));
    assert!(!new.came_with("", NOW) && !new.came_with("a.b.c", NOW));
    assert_eq!(old.next(&first.rotation(&new, NOW + 61), 0, now), Err(TokenFault::NotYet));
    assert_eq!(old.next(&stranger.rotation(&new, NOW), 0, now), Err(TokenFault::UnknownKey));
    assert_eq!(new.next(&order, 0, now), Err(TokenFault::UnknownKey), "a withdrawn key has no say");
    let token = first.sign(&header(&first), &json!({ "keys": new.to_json()["keys"], "iat": NOW }));
    assert_eq!(old.next(&token, 0, now), Err(TokenFault::Type), "a token is no key set");
    let empty = json!({ "alg": "EdDSA", "kid": kid(&first), "typ": "jwk-set+jwt" });
    assert_eq!(old.next(&first.sign(&empty, &json!({ "keys": [], "iat": NOW })), 0, now), Err(TokenFault::Claims));
    assert_eq!(judged(&first, order, now), Err(TokenFault::Type), "a key set is no token");
}

#[test]
fn no_token_is_ever_shown() {
    let token = Token::new("eyJhbGciOiJFZERTQSJ9.secret.secret".into());
    assert_eq!(format!("{token:?}"), "<redacted>");
}

proptest! {
    /// Whatever comes: an answer, never a panic, and never a yes.
    #[test]
    fn nonsense_is_refused(text in "\\PC{0,200}", parts in proptest::collection::vec("[A-Za-z0-9_-]{0,60}", 0..5)) {
        let signer = signer();
        prop_assert!(judged(&signer, text.clone(), Time::Known(NOW)).is_err());
        prop_assert!(judged(&signer, parts.join("."), Time::Known(NOW)).is_err());
        prop_assert!(signer.key_set().next(&text, 0, Time::Known(NOW)).is_err());
        let _ = KeySet::read(text.as_bytes());
    }

    /// One changed character anywhere makes a good token a bad one.
    #[test]
    fn a_changed_token_is_refused(at in 0_usize..10_000, to in proptest::char::range('!', '~')) {
        let signer = signer();
        let good = signer.sign(&header(&signer), &good());
        let at = at % good.len();
        let mut changed: Vec<char> = good.chars().collect();
        prop_assume!(changed[at] != to);
        changed[at] = to;
        prop_assert!(judged(&signer, changed.into_iter().collect(), Time::Known(NOW)).is_err());
        prop_assert!(judged(&signer, good[..at].to_owned(), Time::Known(NOW)).is_err());
    }
}
