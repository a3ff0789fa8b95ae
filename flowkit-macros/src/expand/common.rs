//! What tasks and flows have in common.

use proc_macro2::{Delimiter, Group, Ident, Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::Type;
use syn::ext::IdentExt;
use syn::spanned::Spanned;

use super::{Checked, call};
use crate::args::{Delay, Options, RunName};
use crate::signature::{Arg, Signature};
use crate::{attrs, doc, fallback};

/// The user's function under another name, and what it needs beside it.
fn body(checked: &Checked<'_>) -> TokenStream {
    let body = fallback::body(checked.function);
    let body = quote! {
        #[allow(clippy::needless_pass_by_value, clippy::unused_async, reason = "arguments are owned, and `async` says where it runs")]
        #body
    };
    // Whether a run logs its prints is known when it runs: tasks take it from their flow, flows from the settings.
    if checked.options.log_prints == Some(false) {
        return body;
    }
    quote! {
        #[allow(unused_imports, reason = "the body need not print")]
        use ::flowkit::__private::println;
        #body
    }
}

/// The function that callers see, which returns a `call`: the user's function nested, then what is `inside`.
///
/// Its keyword, its braces and the end of its return type are where the user's are: to rustc it is the user's
/// function then, and is reported if nobody uses it.
pub(crate) fn item(
    checked: &Checked<'_>,
    inputs: &TokenStream,
    call: &TokenStream,
    inside: TokenStream,
) -> TokenStream {
    let Checked { function, signature, .. } = checked;
    let attrs = function.attrs.iter().filter(|attr| attrs::is_for_item(attr));
    let (vis, keyword, name) = (&function.vis, &function.sig.fn_token, &signature.name);
    let output = &signature.output;
    let end = quote_spanned!(signature.end=> >);
    let none = fallback::no_generics();
    let body = body(checked);
    // The inner block keeps what is imported away from the body.
    let inside = quote! {
        #body
        {
            #[allow(unused_imports, reason = "only for types that lack something")]
            use ::flowkit::__private::{Absent as _, Unfit as _};
            #inside
        }
    };
    let mut braces = Group::new(Delimiter::Brace, inside);
    braces.set_span(function.block.span());
    quote!(#(#attrs)* #vis #keyword #name #none(#inputs) -> #call<#output #end #braces)
}

/// What the function is called by default, in the form without `r#`.
pub(crate) fn plain_name(name: &Ident) -> String {
    name.unraw().to_string()
}

/// The function's name and a hash of its source.
pub(crate) fn key(checked: &Checked<'_>) -> String {
    format!("{}-{}", plain_name(&checked.signature.name), checked.hash.short())
}

/// The setters of a definition for its description and options.
pub(crate) fn setters(checked: &Checked<'_>) -> TokenStream {
    let given = checked.options.description.as_ref().map(syn::LitStr::value);
    let description = given.unwrap_or_else(|| doc::text(&checked.function.attrs));
    let description = (!description.is_empty()).then(|| quote!(.description(#description)));
    let options = options(checked.options);
    let options = (!options.is_empty()).then(|| quote!(.options(::flowkit::__private::Options::new() #options)));
    let hooks = hooks(checked.options);
    let transaction_hooks = transaction_hooks(checked.options);
    quote!(#description #options #hooks #transaction_hooks)
}

/// The setter for the hooks, if there are any.
fn hooks(options: &Options) -> Option<TokenStream> {
    let lists = options.hooks.iter().map(|(option, paths)| {
        let hooks = paths.iter().map(|path| {
            let name = path.to_token_stream().to_string().replace(' ', "");
            quote! {
                ::flowkit::__private::HookDef::new(#name, |context| ::flowkit::__private::call_hook(#path, context))
            }
        });
        quote!(.#option(&[#(#hooks),*]))
    });
    (!options.hooks.is_empty()).then(|| {
        quote!(.hooks({
            static HOOKS: ::flowkit::__private::Hooks =
                ::flowkit::__private::Hooks::NONE #(#lists)*;
            &HOOKS
        }))
    })
}

/// The setter for the hooks of a transaction, if there are any.
fn transaction_hooks(options: &Options) -> Option<TokenStream> {
    let lists = options.transaction_hooks.iter().map(|(option, paths)| {
        let hooks = paths.iter().map(|path| {
            let name = path.to_token_stream().to_string().replace(' ', "");
            quote! {
                ::flowkit::__private::TransactionHookDef::new(
                    #name,
                    |transaction| ::flowkit::__private::call_transaction_hook(#path, transaction),
                )
            }
        });
        quote!(.#option(&[#(#hooks),*]))
    });
    (!options.transaction_hooks.is_empty()).then(|| {
        quote!(.transaction_hooks({
            static HOOKS: ::flowkit::__private::TransactionHooks =
                ::flowkit::__private::TransactionHooks::NONE #(#lists)*;
            &HOOKS
        }))
    })
}

fn options(options: &Options) -> TokenStream {
    let Options { retries, retry_delay, retry_jitter_factor, timeout, run_name, tags, log_prints, .. } = options;
    let retries = retries.map(|retries| quote!(.retries(#retries)));
    let retry_delay = retry_delay.as_ref().map(|delay| match delay {
        Delay::Fixed(delay) => {
            let delay = millis(*delay);
            quote!(.retry_delay(::flowkit::__private::RetryDelay::Fixed(#delay)))
        }
        Delay::List(list) => {
            let list = list.iter().copied().map(millis);
            quote!(.retry_delay(::flowkit::__private::RetryDelay::List(&[#(#list),*])))
        }
        Delay::Exponential { first, factor, max } => {
            let first = millis(*first);
            let max = max.map(millis).map(|max| quote!(.at_most(#max)));
            quote!(.retry_delay(::flowkit::__private::RetryDelay::exponential(#first, #factor) #max))
        }
    });
    let jitter = retry_jitter_factor.map(|factor| quote!(.retry_jitter_factor(#factor)));
    let timeout = timeout.map(millis).map(|timeout| quote!(.timeout(#timeout)));
    let run_name = match run_name {
        Some(RunName::Template(template)) => Some(quote!(.run_name(#template))),
        Some(RunName::Function(_)) | None => None,
    };
    let tags = (!tags.is_empty()).then(|| quote!(.tags(&[#(#tags),*])));
    let log_prints = log_prints.map(|switch| quote!(.log_prints(#switch)));
    let resumable = options.resumable.then(|| quote!(.resumable()));
    let results = options.results.setters();
    quote!(#results #retries #retry_delay #jitter #timeout #run_name #tags #log_prints #resumable)
}

fn millis(millis: u64) -> TokenStream {
    quote!(::flowkit::__private::millis(#millis))
}

/// The static that knows what can be done with the arguments and the value, and the author's functions over the arguments.
pub(crate) fn args(checked: &Checked<'_>) -> TokenStream {
    let signature = checked.signature;
    let types = types(signature);
    let named = match &checked.options.run_name {
        Some(RunName::Function(function)) => {
            let places = (0..signature.args.len()).map(syn::Index::from);
            let at = Span::mixed_site().located_at(function.span());
            let name = quote_spanned!(at=> ::flowkit::__private::run_name(#function(#(&args.#places),*)));
            let args = if signature.args.is_empty() { quote!(_) } else { quote_spanned!(at=> args) };
            Some(quote!(.named(|#args| #name)))
        }
        _ => None,
    };
    let show = signature.args.iter().enumerate().map(|(index, Arg { ty, .. })| {
        let place = syn::Index::from(index);
        quote!(#index => ::flowkit::__private::show!(#ty, &args.#place),)
    });
    let write = signature.args.iter().enumerate().map(|(index, Arg { ty, .. })| {
        let place = syn::Index::from(index);
        quote!(#index => ::flowkit::__private::written!(#ty, &args.#place, out),)
    });
    let none = quote!(::core::option::Option::None);
    let (show, write) = if signature.args.is_empty() {
        (quote!(|_, _| #none), quote!(|_, _, _| #none))
    } else {
        (
            quote!(|args, index| match index { #(#show)* _ => #none }),
            quote!(|args, index, out| match index { #(#write)* _ => #none }),
        )
    };
    let output = &signature.output;
    let key = checked.options.results.cache_key.as_ref().map(|path| {
        let at = path.span();
        let places = (0..signature.args.len()).map(syn::Index::from).map(|place| quote_spanned!(at=> &args.#place));
        let call = quote_spanned!(at=> #path(#(#places),*));
        quote_spanned!(at=> .key(|args| ::flowkit::cache::IntoCacheKey::into_cache_key(#call)))
    });
    let background = checked.options.background.then(|| {
        let starter = call::starter(signature);
        quote!(.background(|values, def| #starter::give(values, def)))
    });
    quote! {
        static __FLOWKIT_ARGS: ::flowkit::__private::Args<#types, #output> = ::flowkit::__private::Args::new(
            ::flowkit::__private::Probe::<#types>::CLONE,
            #show,
            #write,
            ::flowkit::__private::returns!(#output),
        ) #named #key #background;
    }
}

/// The types of the arguments as a tuple.
pub(crate) fn types(signature: &Signature) -> TokenStream {
    let types = signature.args.iter().map(|arg| &arg.ty);
    quote!((#(#types,)*))
}

/// The arguments as a tuple of what `each` makes of a name and its type.
pub(crate) fn values(signature: &Signature, each: impl Fn(&Ident, &Type) -> TokenStream) -> TokenStream {
    let values = signature.args.iter().map(|arg| each(&outer_name(signature, arg), &arg.ty));
    quote!((#(#values,)*))
}

/// The name of an argument in the function that callers see.
///
/// An argument named as the function itself would hide it from the registration inside.
pub(crate) fn outer_name(signature: &Signature, arg: &Arg) -> Ident {
    if arg.name == signature.name {
        Ident::new(&format!("{}_", plain_name(&arg.name)), arg.name.span())
    } else {
        arg.name.clone()
    }
}
